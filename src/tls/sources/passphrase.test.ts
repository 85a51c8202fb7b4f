import assert from 'node:assert/strict'
import { it } from 'node:test'
import { splitWords } from './passphrase.ts'

it('a command is split like a shell does with quotes, and nothing else of a shell is known', () => {
  for (const [command, words] of [
    ['vault read -field=x secret/tls', ['vault', 'read', '-field=x', 'secret/tls']],
    [`sh -c 'echo "a  b"' "it's"`, ['sh', '-c', 'echo "a  b"', "it's"]],
    ['a --x="1 2"3 ""', ['a', '--x=1 23', '']],
    ['echo $HOME `id` ; rm * \\n', ['echo', '$HOME', '`id`', ';', 'rm', '*', '\\n']],
    ["echo 'open", []],
    ['  ', []],
  ] as const) {
    assert.deepEqual(splitWords(command), words, command)
  }
})
