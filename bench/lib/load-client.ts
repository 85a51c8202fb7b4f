/** The bench's end of the load process. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Job, Load } from './jobs.ts'

export interface LoadClient extends Disposable {
  /** One job at a time. */
  run(job: Job): Promise<Load>
}

export function startLoadProcess(): LoadClient {
  const child = fork(fileURLToPath(new URL('./load-process.ts', import.meta.url)), { serialization: 'advanced' })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the load process ended with ${code}`)
  })
  ended.catch(() => {})
  return {
    async run(job) {
      const answered = new Promise<Answer>((resolve) => child.once('message', (answer: Answer) => resolve(answer)))
      child.send(job)
      const answer = await Promise.race([answered, ended])
      if (answer.kind === 'failed') throw new Error(`${job.kind}: ${answer.reason}`)
      return answer.load
    },
    [Symbol.dispose]: () => child.kill(),
  }
}
