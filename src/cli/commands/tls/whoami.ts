import type { Command } from 'commander'
import type { Config } from '../../../config/config.ts'
import { loadConfig } from '../../../config/load.ts'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import { type CertificateNames, loadNameReader } from '../../../pki/certificate-names.ts'
import { CLIENT_AUTH, SERVER_AUTH } from '../../../pki/purposes.ts'
import { parseCertificates, readIfPresent } from '../../../pki/read.ts'
import { type Admission, admissionOf } from '../../../tls/identity/admission.ts'
import { proofWanted } from '../../../tls/identity/policy.ts'
import { isTreacherous } from '../../../tls/identity/rule.ts'
import { type Mapping, mapCertificate } from '../../../tls/identity.ts'
import { addConfigOptions, type ConfigOptions, toLoadInput } from '../../config-options.ts'
import { type CliIo, type OutputFormat, outputOption, printResult } from '../../io.ts'

const EXAMPLES = `
Examples:
  $ redkite tls whoami --cert client.pem --config milvus.yaml
  $ redkite tls whoami --cert client.pem --tls mutual --tls-dir tls --set 'redkite.identity.rules=cn=(.*) -> $1'

A dry run: no server is asked, and no key is needed. The exit code is 0 when the certificate would be admitted and is a
user, 1 when not.`

interface WhoamiOptions extends ConfigOptions {
  readonly cert: string
  readonly output: OutputFormat
}

/** What `whoami` finds out. */
interface Whoami {
  readonly certificate: string
  readonly names: CertificateNames | null
  readonly rule: { readonly number: number; readonly text: string; readonly matched: string } | null
  readonly user: string | null
  /** Why it is no user; null where it is one. */
  readonly reason: string | null
  readonly policy: string | null
  readonly admission: Admission
}

/** `tls whoami --cert FILE`: which user a client certificate is under this configuration, and why. */
export function addWhoami(tls: Command, io: CliIo): void {
  const command = tls
    .command('whoami')
    .description('say which user a client certificate is under a configuration, by which rule, or why none')
    .requiredOption('--cert <file>', 'client certificate, PEM, leaf first')
  addConfigOptions(command)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action(async (options: WhoamiOptions) => {
      const { cert, output, ...rest } = options
      const result = await whoami(cert, loadConfig(toLoadInput(rest)).config)
      printResult(io, output, describe(result), result)
      if (result.user === null || !result.admission.admitted) io.setExitCode(EXIT.checkFailed)
    })
}

async function whoami(path: string, config: Config): Promise<Whoami> {
  const chain = parseCertificates(await needed(path), path)
  const der = chain[0].raw
  const read = await loadNameReader()
  const { usernameBytesMax } = config.auth
  const { rules, policy } = config.identity
  const admission = await admissionUnder(config, chain)
  const mapping = mapCertificate(read, der, { rules, usernameBytesMax })
  const isServerOnly = chain[0].keyUsage?.includes(SERVER_AUTH) === true && !chain[0].keyUsage.includes(CLIENT_AUTH)
  const user = mapping.kind === 'mapped' && !isServerOnly ? mapping.user : null
  return {
    certificate: path,
    names: namesOf(read, der),
    rule: ruleOf(mapping),
    user,
    reason:
      user !== null
        ? null
        : isServerOnly
          ? 'it is for serverAuth only: a server is never a user'
          : reasonOf(mapping, rules.length),
    policy: user === null ? null : proofWanted(policy, user),
    admission,
  }
}

async function admissionUnder(config: Config, chain: Parameters<typeof admissionOf>[0]): Promise<Admission> {
  const { mode, acceptServerAuthClients } = config.tls
  if (mode.kind !== 'mutual') {
    return { admitted: false, reasons: ['no client certificate is asked for: that is tlsMode 2 (--tls mutual)'] }
  }
  const anchors = parseCertificates(await needed(mode.caPem), mode.caPem)
  return admissionOf(chain, anchors, { acceptServerAuthClients }, new Date())
}

async function needed(path: string): Promise<string> {
  const text = await readIfPresent(path)
  if (text === null) throw new StartError(EXIT.config, `there is no file ${path}`, 'give the path of a PEM certificate')
  return text
}

function namesOf(read: Awaited<ReturnType<typeof loadNameReader>>, der: Uint8Array): CertificateNames | null {
  try {
    return read(der)
  } catch {
    return null
  }
}

function ruleOf(mapping: Mapping): Whoami['rule'] {
  if (mapping.kind === 'mapped') return { number: mapping.rule.number, text: mapping.rule.text, matched: mapping.name }
  if (mapping.kind === 'refused' && mapping.rule)
    return { number: mapping.rule.number, text: mapping.rule.text, matched: '' }
  return null
}

function reasonOf(mapping: Mapping, rules: number): string {
  if (mapping.kind === 'refused') return mapping.reason
  return rules === 0 ? 'there are no rules (redkite.identity.rules)' : `none of ${rules} rules matches`
}

function describe({ certificate, names, rule, user, reason, policy, admission }: Whoami): string {
  const lines: (readonly [string, string])[] = [
    ['dn', shown(names?.distinguishedName ?? '(unreadable)')],
    ...(names?.commonNames ?? []).map((name) => ['cn', shown(name)] as const),
    ...(names?.uris ?? []).map((name) => ['uri', shown(name)] as const),
    ...(names?.emails ?? []).map((name) => ['email', shown(name)] as const),
    ...(names?.dnsNames ?? []).map((name) => ['dns', shown(name)] as const),
    ['rule', rule === null ? 'none' : `${rule.number}: ${rule.text}`],
    ['user', user ?? `none: ${reason}`],
    ...(policy === null ? [] : ([['shows', WORDS[policy] ?? policy]] as const)),
    ['admitted', `${admission.admitted ? 'yes' : 'no'}: ${admission.reasons.join('; ')}`],
  ]
  return [`${certificate}:`, ...lines.map(([name, value]) => `   ${name.padEnd(8)}  ${value}`)].join('\n')
}

const WORDS: Readonly<Record<string, string>> = {
  certificate: 'its certificate, and no password',
  password: 'its password; the certificate is only recorded',
  both: 'its certificate and its password',
}

/** A name as a terminal may have it: whoever made the certificate chose its characters. */
function shown(name: string): string {
  const text = [...name]
    .slice(0, 300)
    .map((char) => (isTreacherous(char) ? `\\u{${char.codePointAt(0)?.toString(16)}}` : char))
  return [...name].length > 300 ? `${text.join('')}…` : text.join('')
}
