import { unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { DeleteOutcome, ETag } from '../../ports/object-store.ts'
import { syncFolder } from './durable.ts'
import { maybeDone } from './errors.ts'
import { objectVersion, pathOf, pruneFolders } from './folders.ts'
import type { Locks } from './locks.ts'
import { lockName, type Place } from './place.ts'
import { removeSidecars, sidecarPath } from './sidecars.ts'

/** Removes the object, its sidecars, and the folders that are empty without it. Leaves alone what is not an object. */
export async function remove(removal: {
  readonly place: Place
  readonly locks: Locks
  readonly key: ObjectKey
  readonly ifMatch: ETag | undefined
  readonly signal: AbortSignal
}): Promise<DeleteOutcome> {
  const { place, locks, key, ifMatch, signal } = removal
  const path = pathOf(place.root, key)
  const gone: DeleteOutcome = { outcome: ifMatch === undefined ? 'applied' : 'rejected' }
  if ((await objectVersion(path)) === undefined) return gone
  const touched = await locks.hold(place.locks, lockName(place, key), signal, async () => {
    signal.throwIfAborted()
    const current = await objectVersion(path)
    if (current === undefined) return gone
    if (ifMatch !== undefined && current.etag !== ifMatch) return { outcome: 'rejected' as const }
    await unlink(path)
    await removeSidecars(sidecarPath(place, key, current.etag), { keep: false })
    return pruneFolders(place.root, dirname(path))
  })
  if (typeof touched !== 'string') return touched
  try {
    await syncFolder(touched)
  } catch (error) {
    return { outcome: 'unknown', cause: maybeDone(error) }
  }
  return { outcome: 'applied' }
}
