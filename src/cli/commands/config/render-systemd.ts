import { resolve } from 'node:path'
import { EXIT, StartError } from '../../../errors/start-error.ts'
import type { RenderChoices, Rendered, Settings } from './settings.ts'

/** The names under which the service finds its copies (`--tls-dir`). */
const COPIES: Readonly<Record<string, string>> = {
  'tls.serverPemPath': 'server.pem',
  'tls.serverKeyPath': 'server.key',
  'tls.caPemPath': 'ca.pem',
}

/** A hardened unit, and the milvus.yaml that it reads from `/etc/redkite`. */
export function renderSystemd(settings: Settings, { name }: RenderChoices): readonly Rendered[] {
  const others = settings.files.map(({ key }) => key).filter((key) => COPIES[key] === undefined)
  if (others.length > 0) {
    const hint = `render without ${others.length === 1 ? 'it' : 'them'}, and add install lines to the unit by hand`
    throw new StartError(EXIT.usage, `the unit hands over the files of tls.*, not ${others.join(', ')}`, hint)
  }
  if (!settings.areNamed) {
    const hint = 'name them: tls.serverPemPath, tls.serverKeyPath and tls.caPemPath, or --tls-dir'
    throw new StartError(EXIT.usage, 'the unit hands over files by name, not redkite.tls.dir or a bundle', hint)
  }
  return [
    { name: `${name}.service`, text: unit(settings, name) },
    { name: 'milvus.yaml', text: settings.milvusYaml },
  ]
}

/**
 * Root hands copies of the key to the service's user, at the start and at each reload, so that the originals stay
 * root's and a renewed one is served without a restart. `LoadCredential=` hands over once: before version 258 systemd
 * does not read credentials again on a reload (docs/adr/015).
 */
function unit(settings: Settings, name: string): string {
  const copies = settings.files.map(({ key, path }) => {
    return `/usr/bin/install -o ${name} -m 0400 ${word(resolve(path))} /run/${name}/tls/${COPIES[key]}`
  })
  const run = [
    '/usr/bin/redkite',
    'run',
    settings.role,
    ...(copies.length > 0 ? ['--tls-dir', `/run/${name}/tls`] : []),
  ]
  const start =
    copies.length === 0
      ? []
      : [`/usr/bin/install -d -o ${name} -m 0700 /run/${name}/tls`, ...copies].map((line) => `ExecStartPre=+${line}`)
  return [
    ...UNIT_HEAD,
    '[Service]',
    'Type=exec',
    ...start,
    `ExecStart=${run.join(' ')}`,
    ...copies.map((line) => `ExecReload=+${line}`),
    'ExecReload=/bin/kill -HUP $MAINPID',
    `Environment=MILVUSCONF=/etc/${name} REDKITE_DATADIR=/var/lib/${name}`,
    ...(copies.length > 0 ? ['Environment=REDKITE_TLS_STRICTKEYPERMISSIONS=true'] : []),
    ...PROCESS,
    `User=${name}`,
    `StateDirectory=${name}`,
    `RuntimeDirectory=${name}`,
    `ConfigurationDirectory=${name}`,
    ...HARDENING,
    '',
  ].join('\n')
}

/** A path as one word of a command line of a unit (systemd.service(5), "command lines"). */
function word(path: string): string {
  const escaped = path.replaceAll('%', '%%').replaceAll('$', '$$$$').replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return /[\s"';\\]/.test(path) ? `"${escaped}"` : escaped
}

const UNIT_HEAD = [
  '[Unit]',
  'Description=Redkite, a vector database that Milvus clients use',
  'Wants=network-online.target',
  'After=network-online.target',
  'StartLimitIntervalSec=60',
  'StartLimitBurst=5',
  '',
]

const PROCESS = [
  'Restart=on-failure',
  'RestartSec=2',
  '# usage, a key that cannot be read, configuration: another try would fail as well',
  `RestartPreventExitStatus=${EXIT.usage} ${EXIT.noPermission} ${EXIT.config}`,
  '# proxy.gracefulStopTimeout and the flush behind it',
  'TimeoutStopSec=60',
  'LimitNOFILE=65536',
  '',
  'DynamicUser=yes',
]

/** `MemoryDenyWriteExecute` is missing on purpose: V8 compiles JavaScript into memory that it then executes. */
const HARDENING = [
  'StateDirectoryMode=0700',
  'RuntimeDirectoryMode=0700',
  'UMask=0077',
  '',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectProc=invisible',
  'NoNewPrivileges=yes',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'RemoveIPC=yes',
  'LockPersonality=yes',
  'KeyringMode=private',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
  'SystemCallErrorNumber=EPERM',
  '',
  '[Install]',
  'WantedBy=multi-user.target',
]
