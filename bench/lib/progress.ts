/** Progress on stderr: a bar on a terminal, else a line for each step. */
export interface Progress extends Disposable {
  /** Begins the next step; the one before is done. */
  step(text: string): void
}

const WIDTH = 24

/** `steps` is how many times `step` will be called. */
export function createProgress(steps: number): Progress {
  const { stderr } = process
  const started = performance.now()
  let done = -1
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`
  const clear = () => {
    if (stderr.isTTY) stderr.write('\r\x1b[K')
  }
  return {
    step(text) {
      done = Math.min(done + 1, steps)
      if (!stderr.isTTY) {
        stderr.write(`[${done + 1}/${steps}] ${text} (${seconds()})\n`)
        return
      }
      const full = Math.round((done / steps) * WIDTH)
      const bar = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`
      const line = `${bar} ${done + 1}/${steps} ${seconds()} ${text}`
      stderr.write(`\r\x1b[K${line.slice(0, (stderr.columns || 80) - 1)}`)
    },
    [Symbol.dispose]: clear,
  }
}
