import { setTimeout as delay } from 'node:timers/promises'

/** Waits until `condition` holds; fails after `limitMs`. */
export async function eventually(condition: () => boolean | Promise<boolean>, limitMs = 5000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${condition}`)
    await delay(5)
  }
}
