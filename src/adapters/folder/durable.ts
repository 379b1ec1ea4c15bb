import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsence, systemCode } from './errors.ts'
import { stamp, type Version, versionOf } from './version.ts'

/** A whole file on disk that nobody can see yet: waiting to be renamed into its place, or to be discarded. */
export interface PreparedFile {
  readonly path: string
  readonly handle: FileHandle
  /** Closes the file and, unless it was renamed away, removes it. Never throws. */
  discard(): Promise<void>
}

/** 128 unguessable bits as a file name. */
export function randomName(): string {
  return randomBytes(16).toString('hex')
}

/** Writes a temporary file through to the disk. Takes the pieces one by one; each may be reused once the next is asked for. */
export async function prepareFile(
  folder: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<PreparedFile> {
  const path = join(folder, randomName())
  const handle = await open(path, 'wx')
  const discard = async () => {
    await handle.close().catch(() => {})
    await rm(path, { force: true }).catch(() => {})
  }
  try {
    for await (const piece of pieces) {
      options.signal.throwIfAborted()
      await writeAll(handle, piece)
    }
    await stamp(handle, options.nowMs)
    await handle.sync()
    options.signal.throwIfAborted()
    return { path, handle, discard }
  } catch (error) {
    await discard()
    throw error
  }
}

/** Makes sure that a prepared file is a later version than the one it replaces. Rarely has anything to do. */
export async function makeNewer(
  { handle }: PreparedFile,
  replaces: Version | undefined,
  nowMs: number,
): Promise<Version> {
  const prepared = versionOf(await handle.stat({ bigint: true }))
  if (replaces === undefined || prepared.mtimeNs > replaces.mtimeNs) return prepared
  const later = await stamp(handle, nowMs, replaces)
  await handle.sync()
  return later
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let written = 0; written < piece.byteLength; ) {
    written += (await handle.write(piece, written)).bytesWritten
  }
}

// What file systems say that cannot sync a folder, and Windows, which cannot even open one.
const cannotSync = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EPERM', 'EBADF'])

/** Makes renames and removals in a folder outlive a power cut. A folder that is gone needs none of that. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!isAbsence(error) && !cannotSync.has(systemCode(error) ?? '')) throw error
  }
}
