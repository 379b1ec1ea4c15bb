import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { StoreMisbehaved } from '../../ports/errors.ts'
import type { ETag } from '../../ports/object-store.ts'

/** Which version of a file this is, as far as its time of change and its size tell: all that a listing can afford to ask. */
export interface Version {
  readonly etag: ETag
  readonly sizeBytes: number
  readonly lastModified: Date
  readonly mtimeNs: bigint
}

export function versionOf(stats: BigIntStats): Version {
  return {
    etag: `${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}` as ETag,
    sizeBytes: Number(stats.size),
    lastModified: new Date(Number(stats.mtimeNs / 1_000_000n)),
    mtimeNs: stats.mtimeNs,
  }
}

// Times travel as floating seconds, good to a quarter of a microsecond. Some file systems keep less: HFS+ 1 s, FAT 2 s.
const stepsNs = [1_000n, 1_000_000n, 1_000_000_000n, 2_000_000_000n, 4_000_000_000n]

/**
 * Gives the open file a time that is `nowMs`, or later when the version it replaces is as new as that. Within the
 * millisecond the time is random, so that a file which comes after a deleted one is not taken for it.
 */
export async function stamp(handle: FileHandle, nowMs: number, replaces?: Version): Promise<Version> {
  const now = BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(Math.floor(Math.random() * 1_000_000))
  if (replaces === undefined || now > replaces.mtimeNs + 1_000n) {
    const version = await setTime(handle, now)
    if (replaces === undefined || version.mtimeNs > replaces.mtimeNs) return version
  }
  for (const step of stepsNs) {
    const version = await setTime(handle, replaces.mtimeNs + step)
    if (version.mtimeNs > replaces.mtimeNs) return version
  }
  throw new StoreMisbehaved('the file system does not keep the times that it is given')
}

async function setTime(handle: FileHandle, ns: bigint): Promise<Version> {
  const seconds = Number(ns) / 1e9
  await handle.utimes(seconds, seconds)
  return versionOf(await handle.stat({ bigint: true }))
}
