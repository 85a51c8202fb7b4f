import type { ConfigOptions } from '../../config-options.ts'
import type { CliIo, OutputFormat } from '../../io.ts'
export async function verifyInternal(_io: CliIo, _o: ConfigOptions, _f: OutputFormat, _t: number): Promise<void> {}
