import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkRuntime } from './runtime.ts'

describe('the runtime', () => {
  it('must be Node 24 or later', () => {
    for (const good of ['24.0.0', '24.21.0', '30.1.2']) checkRuntime(good)
    for (const old of ['20.20.2', '23.9.0', '8.0.0']) {
      assert.throws(() => checkRuntime(old), {
        message: `Node 24 or later is needed, and this is ${old}`,
        exitCode: 69,
      })
    }
  })
})
