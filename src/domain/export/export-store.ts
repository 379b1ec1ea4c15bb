import type { Log } from '../../ports/log.ts'
import { type ObjectKey, objectKeyOrUndefined, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import type { ExportManifest } from './manifest.ts'
import { decodeManifest, encodeManifest } from './manifest-json.ts'

const folder = 'exports/'

/** The longest that an export may live; older manifests are swept whatever they say. */
export const maxExportSeconds = 86_400

function manifestKey(id: string): ObjectKey {
  return parseObjectKey(`${folder}${id}.json`)
}

export async function keepManifest(
  store: ObjectStore,
  manifest: ExportManifest,
  { signal }: CallOptions,
): Promise<void> {
  const body = encodeManifest(manifest)
  const kept = await store.put(manifestKey(manifest.id), body, {
    contentType: 'application/json',
    when: 'always',
    signal,
  })
  if (kept.outcome === 'unknown') throw kept.cause
}

/** `undefined` for an export that never was, was deleted, or has expired. Throws `ExportManifestBroken`. */
export async function readExport(
  store: ObjectStore,
  id: string,
  { nowMs, signal }: CallOptions & { nowMs: number },
): Promise<ExportManifest | undefined> {
  if (objectKeyOrUndefined(`${folder}${id}.json`) === undefined || id.includes('/')) return undefined
  const found = await store.get(manifestKey(id), { signal })
  if (found === undefined) return undefined
  const manifest = decodeManifest(new Uint8Array(await new Response(found.body).arrayBuffer()))
  return nowMs < Date.parse(manifest.expiresAt) ? manifest : undefined
}

export async function deleteExport(store: ObjectStore, id: string, { signal }: CallOptions): Promise<void> {
  if (objectKeyOrUndefined(`${folder}${id}.json`) === undefined) return
  const deleted = await store.delete(manifestKey(id), { signal })
  if (deleted.outcome === 'unknown') throw deleted.cause
}

/** Removes what has surely expired among the first 1,000 manifests. Never throws: the next export sweeps again. */
export async function sweepExports(
  { store, log }: { store: ObjectStore; log: Log },
  { nowMs, signal }: CallOptions & { nowMs: number },
): Promise<void> {
  try {
    const { objects } = await store.list({ prefix: folder, limit: 1000, signal })
    const old = objects.filter(({ lastModified }) => nowMs - lastModified.getTime() > maxExportSeconds * 1000)
    if (old.length === 0) return
    await store.deleteMany(
      old.map(({ key }) => key),
      { signal },
    )
    log.info('exports-swept', { count: old.length })
  } catch (error) {
    log.warn('exports-not-swept', { error })
  }
}
