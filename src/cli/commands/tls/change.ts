import type { Command } from 'commander'
import { callAdmin } from '../../../probe/admin-client.ts'
import type { ChangeReport } from '../../../protocol/admin/administration.ts'
import { type CliIo, printResult } from '../../io.ts'
import { addTargetOptions, TARGET_HELP, type TargetOptions, targetOf } from './target.ts'

/** A command that changes the key material of a running server. */
export interface Change {
  readonly verb: 'reload' | 'rollback'
  readonly description: string
  /** What is printed for material that was exchanged. */
  readonly done: string
}

/** Adds the command; a refused change is printed with its reason and ends with exit code 1. */
export function addChange(tls: Command, io: CliIo, { verb, description, done }: Change): void {
  addTargetOptions(tls.command(verb))
    .description(description)
    .addHelpText(
      'after',
      `\nExample:\n  $ redkite tls ${verb} --ca tls/ca.pem --password-file root.password\n${TARGET_HELP}`,
    )
    .action(async (options: TargetOptions) => {
      // The answer of a server of ours: its shape is the API's (docs/reference/admin-api.md).
      const report = (await callAdmin(await targetOf(options), 'POST', `/redkite/v1/tls/${verb}`)) as ChangeReport
      const lines = report.materials.map(({ section, outcome, generation }) =>
        outcome === 'swapped'
          ? `${section}: ${done}, generation ${generation}`
          : `${section}: unchanged, generation ${generation}`,
      )
      printResult(io, options.output, lines.join('\n'), report)
    })
}
