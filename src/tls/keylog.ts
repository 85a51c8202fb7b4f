import { EXIT, StartError } from '../errors/start-error.ts'

/** The flag with which Node writes the keys of every connection to a file. */
const FLAG = '--tls-keylog'

/**
 * Refuses a Node that gives the keys of its connections away: whoever reads that file reads all traffic.
 * @param options of Node itself, on its command line and in NODE_OPTIONS
 * @throws StartError config
 */
export function refuseKeylog(options: readonly string[]): void {
  const found = options.find((option) => option === FLAG || option.startsWith(`${FLAG}=`))
  if (found === undefined) return
  throw new StartError(
    EXIT.config,
    `Node was started with ${FLAG}: it would write the keys of every connection to a file`,
    `start it without that, on the command line and in NODE_OPTIONS; redkite doctor names other flags of Node`,
  )
}
