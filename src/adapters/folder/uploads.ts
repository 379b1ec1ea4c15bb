import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidParts, UploadNotFound } from '../../ports/errors.ts'
import type { MultipartUpload, Part } from '../../ports/object-store.ts'
import { prepareFile, randomName, syncFolder } from './durable.ts'
import { isAbsence } from './errors.ts'
import type { Locks } from './locks.ts'
import type { Place } from './place.ts'
import { type Facts, parseFacts } from './sidecars.ts'
import { type Version, versionOf } from './version.ts'

export interface Writing {
  readonly nowMs: number
  readonly signal: AbortSignal
}

const manifest = 'upload.json'
const joinChunkBytes = 2 ** 20

/** A folder for each upload: what it is in `upload.json`, then one file for each part, named by its number. */
export async function openUpload(place: Place, key: string, facts: Facts, writing: Writing): Promise<string> {
  const uploadId = randomName()
  const text = new TextEncoder().encode(JSON.stringify({ key, ...facts }))
  const prepared = await prepareFile(place.temporary, [text], writing)
  try {
    await mkdir(join(place.uploads, uploadId))
    await prepared.moveTo(join(place.uploads, uploadId, manifest))
  } finally {
    await prepared.discard()
  }
  await Promise.all([syncFolder(join(place.uploads, uploadId)), syncFolder(place.uploads)])
  return uploadId
}

/** What the object will be. Throws `UploadNotFound`. */
export async function readUpload(place: Place, { key, uploadId }: MultipartUpload): Promise<Facts> {
  try {
    const text = await readFile(join(folderOf(place, uploadId), manifest), 'utf8')
    const found = JSON.parse(text) as Partial<Facts> & { key?: string }
    const facts = parseFacts(found)
    if (found.key === key && facts !== undefined) return facts
  } catch (error) {
    if (!isAbsence(error) && !(error instanceof SyntaxError)) throw error
  }
  throw new UploadNotFound('no such upload')
}

export async function storePart(
  place: Place,
  locks: Locks,
  upload: MultipartUpload,
  partNumber: number,
  pieces: Iterable<Uint8Array>,
  writing: Writing,
): Promise<Part> {
  await readUpload(place, upload)
  const folder = folderOf(place, upload.uploadId)
  const path = join(folder, String(partNumber))
  const prepared = await prepareFile(place.temporary, pieces, writing)
  try {
    const version = await locks.hold(place.locks, folder, writing.signal, async () => {
      const stored = await prepared.makeNewer(await versionAt(path), writing.nowMs)
      await prepared.moveTo(path)
      return stored
    })
    await syncFolder(folder)
    return partOf(partNumber, version)
  } catch (error) {
    throw isAbsence(error) ? new UploadNotFound('no such upload', { cause: error }) : error
  } finally {
    await prepared.discard()
  }
}

/** By number. Throws `UploadNotFound`. */
export async function storedParts(place: Place, upload: MultipartUpload): Promise<readonly Part[]> {
  await readUpload(place, upload)
  const folder = folderOf(place, upload.uploadId)
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d+$/.test(name))
  const parts = await Promise.all(
    names.map(async (name) => {
      const version = await versionAt(join(folder, name))
      return version && partOf(Number(name), version)
    }),
  )
  return parts.filter((part) => part !== undefined).sort((a, b) => a.partNumber - b.partNumber)
}

/** The bytes of exactly these parts in order of their numbers, a mebibyte at a time in one buffer. Throws `InvalidParts`. */
export async function* joinedParts(
  place: Place,
  upload: MultipartUpload,
  parts: readonly Part[],
): AsyncGenerator<Uint8Array> {
  const folder = folderOf(place, upload.uploadId)
  const buffer = new Uint8Array(joinChunkBytes)
  for (const part of await checkedParts(place, upload, parts)) {
    const file = await open(join(folder, String(part.partNumber)), 'r')
    try {
      // The file cannot change under its name any more: a replacement is another file.
      if (versionOf(await file.stat({ bigint: true })).etag !== part.etag) throw notStored(part)
      for (let bytesRead = -1; bytesRead !== 0; ) {
        bytesRead = (await file.read(buffer, 0, buffer.byteLength)).bytesRead
        if (bytesRead > 0) yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  }
}

/** Ends the upload at once and frees its parts. Fine when it is gone. */
export async function retireUpload(place: Place, { uploadId }: MultipartUpload): Promise<void> {
  const grave = join(place.temporary, randomName())
  try {
    await rename(folderOf(place, uploadId), grave)
  } catch (error) {
    if (isAbsence(error) || error instanceof UploadNotFound) return
    throw error
  }
  await rm(grave, { recursive: true, force: true })
}

async function checkedParts(place: Place, upload: MultipartUpload, parts: readonly Part[]): Promise<readonly Part[]> {
  const stored = new Map((await storedParts(place, upload)).map((part) => [part.partNumber, part]))
  const wanted = parts.toSorted((a, b) => a.partNumber - b.partNumber)
  if (wanted.length === 0) throw new InvalidParts('an object needs at least one part')
  for (const [i, part] of wanted.entries()) {
    if (stored.get(part.partNumber)?.etag !== part.etag) throw notStored(part)
    if (wanted[i + 1]?.partNumber === part.partNumber) throw new InvalidParts(`part ${part.partNumber} is given twice`)
  }
  return wanted
}

// Upload ids come from outside: only a name of ours may become a path.
function folderOf(place: Place, uploadId: string): string {
  if (!/^[0-9a-f]{32}$/.test(uploadId)) throw new UploadNotFound('no such upload')
  return join(place.uploads, uploadId)
}

async function versionAt(path: string): Promise<Version | undefined> {
  try {
    return versionOf(await stat(path, { bigint: true }))
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

function partOf(partNumber: number, { etag, sizeBytes }: Version): Part {
  return { partNumber, etag, sizeBytes }
}

function notStored({ partNumber }: Part): InvalidParts {
  return new InvalidParts(`part ${partNumber} is not stored`)
}
