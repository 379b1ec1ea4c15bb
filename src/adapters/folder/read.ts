import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { contentTypeOf } from '../../ports/content-type.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { ObjectMeta } from '../../ports/object-store.ts'
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
  for (let left = maxTries; ; left--) {
    const opened = await openFile(pathOf(place.root, key))
    if (opened === undefined) return undefined
    try {
      const meta = await metaOf(place, key, opened.version, left > 0)
      if (meta !== undefined) return { ...opened, meta }
    } catch (error) {
      await opened.handle.close()
      throw error
    }
    await opened.handle.close()
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

async function openFile(path: string): Promise<Omit<OpenObject, 'meta'> | undefined> {
  if (!(await isDirect(dirname(path)))) return undefined
  const handle = await open(path, readOnly).catch((error: unknown) => {
    // A link is ELOOP, which is an absence; a socket is ENXIO.
    if (isAbsence(error) || systemCode(error) === 'ENXIO') return undefined
    throw error
  })
  const stats = await handle?.stat({ bigint: true })
  if (handle !== undefined && stats?.isFile()) return { handle, version: versionOf(stats) }
  await handle?.close()
  return undefined
}
