import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsence, maybeDone, systemCode } from './errors.ts'
import { stamp, type Version } from './version.ts'

/** A whole file on disk that nobody can see yet: to be moved into its place, or to be discarded. */
export interface PreparedFile {
  /** Makes sure that it is a later version than the one it replaces, and says which. Rarely has anything to do. */
  makeNewer(than: Version | undefined, nowMs: number): Promise<Version>
  /** Renames it. May be tried again when that fails. */
  moveTo(path: string): Promise<void>
  /** Frees what was not moved. Never throws. */
  discard(): Promise<void>
}

/** 128 unguessable bits as a file name. */
export function randomName(): string {
  return randomBytes(16).toString('hex')
}

/**
 * Writes a temporary file through to the disk, with `nowMs` as its time. Takes the pieces one by one; each may be reused
 * once the next is asked for.
 */
export async function prepareFile(
  folder: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<PreparedFile> {
  const path = join(folder, randomName())
  const handle = await open(path, 'wx')
  let state: 'open' | 'closed' | 'moved' = 'open'
  const discard = async () => {
    if (state === 'open') await handle.close().catch(() => {})
    if (state !== 'moved') await rm(path, { force: true }).catch(() => {})
  }
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted()
      await writeAll(handle, piece)
    }
    const stamped = await stamp(handle, nowMs)
    await handle.sync()
    signal.throwIfAborted()
    return {
      discard,
      async makeNewer(than, laterMs) {
        if (than === undefined || stamped.mtimeNs > than.mtimeNs) return stamped
        const later = await stamp(handle, laterMs, than)
        await handle.sync()
        return later
      },
      async moveTo(place) {
        if (state === 'open') await handle.close()
        state = 'closed'
        await rename(path, place)
        state = 'moved'
      },
    }
  } catch (error) {
    await discard()
    throw error
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let written = 0; written < piece.byteLength; ) {
    written += (await handle.write(piece, written)).bytesWritten
  }
}

// What file systems say that cannot sync a folder, and Windows, which cannot even open one.
const cannotSync = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EPERM', 'EBADF'])

/**
 * Makes renames and removals in a folder outlive a power cut. A folder that is gone needs none of that. Throws
 * `StoreUnavailable` when nobody can tell whether they will.
 */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!isAbsence(error) && !cannotSync.has(systemCode(error) ?? '')) throw maybeDone(error)
  }
}
