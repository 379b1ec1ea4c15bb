import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Place } from './place.ts'

const dayMs = 24 * 60 * 60 * 1000

export const temporaryKeptMs = dayMs
/** Counted from the last part. */
export const uploadKeptMs = 7 * dayMs

/** Removes what crashes and forgotten uploads have left. What it cannot remove stays for the next time. */
export async function sweep({ temporary, uploads }: Place, nowMs: number): Promise<void> {
  await sweepFolder(temporary, nowMs - temporaryKeptMs)
  await sweepFolder(uploads, nowMs - uploadKeptMs)
}

async function sweepFolder(folder: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const stats = await lstat(path).catch(() => undefined)
    if (stats !== undefined && stats.mtimeMs < beforeMs)
      await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}
