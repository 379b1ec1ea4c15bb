import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KeyConflict } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { PutCondition, PutOutcome } from '../../ports/object-store.ts'
import { type PreparedFile, syncFolder } from './durable.ts'
import { maybeDone, systemCode } from './errors.ts'
import { clearWay, look, objectVersion, pathOf, pruneFolders } from './folders.ts'
import type { Locks } from './locks.ts'
import { lockName, type Place } from './place.ts'
import { placeSidecar, removeSidecars, sidecarPath } from './sidecars.ts'
import type { Version } from './version.ts'

export interface Installation {
  readonly place: Place
  readonly locks: Locks
  readonly key: ObjectKey
  readonly when: PutCondition
  readonly nowMs: () => number
  readonly signal: AbortSignal
}

// Each try is lost to somebody who removed the folder, empty, between our making it and our renaming into it.
const maxTries = 50

/** Whether the condition is lost already, which saves writing the body. It is asked again when it counts. */
export async function isLost({ place, key, when }: Pick<Installation, 'place' | 'key' | 'when'>): Promise<boolean> {
  return when !== 'always' && !holds(when, await objectVersion(pathOf(place.root, key)))
}

/**
 * Makes prepared files the object and its sidecar, if the condition holds at that moment. The lock is held for that moment
 * only. `claim` runs before it, and may throw; `applied` runs when it is done; both under the lock.
 */
export async function install(
  installation: Installation,
  data: PreparedFile,
  sidecar: PreparedFile,
  steps: { readonly claim?: () => Promise<void>; readonly applied?: () => Promise<void> } = {},
): Promise<PutOutcome> {
  const { place, locks, key, when, signal } = installation
  const path = pathOf(place.root, key)
  const written = await locks.hold(place.locks, lockName(place, key), signal, async () => {
    signal.throwIfAborted()
    await steps.claim?.()
    const { version: current, isClear } = await look(path)
    if (!holds(when, current)) return undefined
    const { etag } = await data.makeNewer(current, installation.nowMs())
    const aside = sidecarPath(place, key, etag)
    await placeSidecar(sidecar, aside)
    try {
      await moveInto(place.root, data, path, isClear)
    } catch (error) {
      await Promise.all([rm(aside, { force: true }), pruneFolders(place.root, dirname(path))]).catch(() => {})
      throw error
    }
    if (current !== undefined) await removeSidecars(aside, { keep: true })
    await steps.applied?.()
    return { etag, folders: [dirname(aside), dirname(path)] }
  })
  if (written === undefined) return { outcome: 'rejected' }
  try {
    await Promise.all(written.folders.map(syncFolder))
  } catch (error) {
    return { outcome: 'unknown', cause: maybeDone(error) }
  }
  return { outcome: 'applied', etag: written.etag }
}

function holds(when: PutCondition, current: Version | undefined): boolean {
  if (when === 'always') return true
  return when === 'if-absent' ? current === undefined : current?.etag === when.ifMatch
}

async function moveInto(root: string, data: PreparedFile, path: string, isClear: boolean): Promise<void> {
  let clear = isClear
  for (let left = maxTries; ; left--) {
    try {
      if (!clear) await clearWay(root, path)
      return await data.moveTo(path)
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOTDIR') throw new KeyConflict('a beginning of the key is an object', { cause: error })
      if (left === 0 || (code !== 'ENOENT' && code !== 'EISDIR')) throw error
      clear = false
    }
  }
}
