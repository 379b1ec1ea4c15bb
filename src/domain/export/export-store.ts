import { type ObjectKey, objectKeyOrUndefined, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import type { ExportManifest } from './manifest.ts'
import { decodeManifest, encodeManifest } from './manifest-json.ts'

export const exportPrefix = 'exports/'

/** The longest that an export may live; older manifests are swept whatever they say. */
export const maxExportSeconds = 86_400

/** `undefined` for what cannot be the id of an export. */
function manifestKey(id: string): ObjectKey | undefined {
  return id.includes('/') ? undefined : objectKeyOrUndefined(`${exportPrefix}${id}.json`)
}

export async function keepManifest(
  store: ObjectStore,
  manifest: ExportManifest,
  { signal }: CallOptions,
): Promise<void> {
  const body = encodeManifest(manifest)
  const kept = await store.put(parseObjectKey(`${exportPrefix}${manifest.id}.json`), body, {
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
  const key = manifestKey(id)
  const found = key && (await store.get(key, { signal }))
  if (found === undefined) return undefined
  const manifest = decodeManifest(new Uint8Array(await new Response(found.body).arrayBuffer()))
  return nowMs < Date.parse(manifest.expiresAt) ? manifest : undefined
}

export async function deleteExport(store: ObjectStore, id: string, { signal }: CallOptions): Promise<void> {
  const key = manifestKey(id)
  if (key === undefined) return
  const deleted = await store.delete(key, { signal })
  if (deleted.outcome === 'unknown') throw deleted.cause
}
