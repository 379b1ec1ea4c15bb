import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { ObjectMeta } from '../../ports/object-store.ts'
import { contentTypeOf } from './content-type.ts'
import { isAbsence, systemCode } from './errors.ts'
import { isDirect, objectVersion, pathOf } from './folders.ts'
import type { Place } from './place.ts'
import { readFacts, sidecarPath } from './sidecars.ts'
import { type Version, versionOf } from './version.ts'

export interface OpenObject {
  readonly handle: FileHandle
  readonly version: Version
  readonly meta: ObjectMeta
}

// A writer takes the sidecar of the version before away. Who meets that often enough reads a key that never rests.
const maxTries = 20

// Opening a named pipe would wait for its writer, and opening a link would follow it.
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** The object's file, open, with the meta of exactly the version that is open. The caller closes it. */
export async function openObject(place: Place, key: ObjectKey): Promise<OpenObject | undefined> {
  const path = pathOf(place.root, key)
  for (let left = maxTries; ; left--) {
    const handle = await openFile(path)
    if (handle === undefined) return undefined
    try {
      const stats = await handle.stat({ bigint: true })
      if (stats.isFile()) {
        const version = versionOf(stats)
        const meta = await metaOf(place, key, version, left > 0)
        if (meta !== undefined) return { handle, version, meta }
      } else {
        left = 0
      }
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    if (left === 0) return undefined
  }
}

export async function readMeta(place: Place, key: ObjectKey): Promise<ObjectMeta | undefined> {
  for (let left = maxTries; ; left--) {
    const version = await objectVersion(pathOf(place.root, key))
    const meta = version && (await metaOf(place, key, version, left > 0))
    if (version === undefined || meta !== undefined) return meta
  }
}

/** `undefined` when the version has no sidecar because it is not the current one any more. */
async function metaOf(
  place: Place,
  key: ObjectKey,
  version: Version,
  mayBeOld: boolean,
): Promise<ObjectMeta | undefined> {
  const { etag, sizeBytes, lastModified } = version
  const facts = await readFacts(sidecarPath(place, key, etag))
  if (facts === undefined && mayBeOld && (await objectVersion(pathOf(place.root, key)))?.etag !== etag) return undefined
  const foreign = { contentType: contentTypeOf(basename(key)), checksums: undefined, attributes: {} }
  return { key, sizeBytes, etag, lastModified, ...(facts ?? foreign) }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  if (!(await isDirect(dirname(path)))) return undefined
  try {
    return await open(path, readOnly)
  } catch (error) {
    // ELOOP: a link. ENXIO: a socket.
    if (isAbsence(error) || systemCode(error) === 'ELOOP' || systemCode(error) === 'ENXIO') return undefined
    throw error
  }
}
