/** What a process has used, read from outside: on Linux from /proc, elsewhere from `ps`. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Ticks a second of /proc's counters: 100 on every Linux that Node runs on. */
const TICKS_A_SECOND = 100

/** User and system time of all its threads, in seconds (10 ms steps on Linux, whole seconds elsewhere). */
export function cpuSeconds(pid: number): number {
  if (process.platform !== 'linux') return psCpuSeconds(pid)
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // the name in brackets may hold spaces; utime and stime are fields 14 and 15
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

export interface Memory {
  /** Resident, pages of mapped files included. */
  readonly rssMb: number
  /** Resident and not a file's: what cannot be dropped; null where the system does not tell. */
  readonly anonymousMb: number | null
}

/** In millions of bytes. */
export function memoryOf(pid: number): Memory {
  if (process.platform !== 'linux') {
    const kb = Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout)
    return { rssMb: (kb * 1024) / 1e6, anonymousMb: null }
  }
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const megabytes = (name: string) => (Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6
  return { rssMb: megabytes('VmRSS'), anonymousMb: megabytes('RssAnon') }
}

function psCpuSeconds(pid: number): number {
  const text = spawnSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim()
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
}
