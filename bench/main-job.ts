import type { Report } from './lib/report.ts'
export async function mainJob(_: unknown): Promise<Report> {
  throw new Error('soon')
}
