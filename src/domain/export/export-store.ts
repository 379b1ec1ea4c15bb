import type { Clock } from '../../ports/clock.ts'
import { PreconditionFailed } from '../../ports/errors.ts'
import { type ObjectKey, objectKeyOrUndefined, parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag } from '../../ports/object-store.ts'
import { createByteWindow } from '../object/byte-window.ts'
import { planParts } from '../object/part-size.ts'
import { createObjectWriter, type WriteObjectDeps } from '../object/write-object.ts'
import { type FrozenExport, freeze } from './frozen-export.ts'
import { createManifestCache } from './manifest-cache.ts'
import { decodeManifest, encodeManifest } from './manifest-lines.ts'
import type { ExportPlan } from './plan-export.ts'
import { ExportManifestBroken } from './refusals.ts'

export const exportPrefix = 'exports/'

/** The longest that an export may live; older manifests are swept whatever they say. */
export const maxExportSeconds = 86_400

export interface ExportStore {
  /** One PUT, or the parts of one upload above 8 MiB. */
  keep(plan: ExportPlan, options: CallOptions): Promise<FrozenExport>
  /**
   * `undefined` for an export that never was, was deleted, or has expired; true at this moment, on every instance. Costs
   * one HEAD, and one GET when this instance has not read it lately. Throws `ExportManifestBroken`.
   */
  find(id: string, options: CallOptions): Promise<FrozenExport | undefined>
  delete(id: string, options: CallOptions): Promise<void>
}

export interface ExportStoreDeps extends Omit<WriteObjectDeps, 'records'> {
  readonly clock: Clock
  /** Decoded manifests that are held have so many entries together: some 350 bytes each. */
  readonly cachedEntriesMax: number
}

/** How many versions are looked at when each is replaced while it is being read. */
const versionsTried = 3
/** Whoever reads for longer is not waited for: on Workers his request may be gone. */
const awaitedMs = 10_000
const lookAgainMs = 20

export function createExportStore(deps: ExportStoreDeps): ExportStore {
  const { store, digests, clock, cachedEntriesMax } = deps
  const cache = createManifestCache(cachedEntriesMax)
  /** Manifests being read, and since when. Values only: on Workers no request can wait for a promise of another. */
  const reading = new Map<string, number>()

  /** Of many who ask at once one reads: a large manifest is some 20 MB in memory. */
  const read = async (key: ObjectKey, id: string, version: ETag, { signal }: CallOptions): Promise<FrozenExport> => {
    for (let since = reading.get(id); since !== undefined; since = reading.get(id)) {
      if (clock.nowMs() - since > awaitedMs) break
      await clock.sleep(lookAgainMs, signal)
    }
    const known = cache.get(id, version)
    if (known !== undefined) return known
    reading.set(id, clock.nowMs())
    try {
      const found = await store.get(key, { ifMatch: version, signal })
      if (found === undefined) throw new PreconditionFailed('the manifest was deleted')
      const manifest = await decodeManifest(found.body as unknown as AsyncIterable<Uint8Array>)
      if (manifest.id !== id) throw new ExportManifestBroken('the manifest is of another export')
      const made = freeze(digests, manifest)
      cache.keep(id, version, made)
      return made
    } finally {
      reading.delete(id)
    }
  }

  return {
    async keep(plan, { signal }) {
      const { id } = plan.manifest
      const parts = planParts(undefined, await store.capabilities({ signal }))
      // No record of its checksums: it is read whole, and every line of it is checked.
      const writer = createObjectWriter({ ...deps, records: unrecorded }, parseObjectKey(pathOf(id)), {
        contentType: 'application/jsonl',
        when: 'always',
        parts,
        maxBytes: parts.objectBytesMax,
        window: createByteWindow(2 * parts.partBytes),
        signal,
      })
      try {
        for (const piece of encodeManifest(plan.manifest)) await writer.write(piece)
      } catch (error) {
        await writer.discard()
        throw error
      }
      const { etag } = await writer.store(writer.checksums().checksums)
      const made = freeze(digests, plan.manifest, plan.layout)
      cache.keep(id, etag, made)
      return made
    },

    async find(id, { signal }) {
      const key = keyOf(id)
      if (key === undefined) return undefined
      for (let left = versionsTried; ; left--) {
        const meta = await store.head(key, { signal })
        if (meta === undefined) return undefined
        try {
          const found = cache.get(id, meta.etag) ?? (await read(key, id, meta.etag, { signal }))
          return clock.nowMs() < Date.parse(found.manifest.expiresAt) ? found : undefined
        } catch (error) {
          if (!(error instanceof PreconditionFailed) || left === 1) throw error
        }
      }
    },

    async delete(id, { signal }) {
      const key = keyOf(id)
      if (key === undefined) return
      const deleted = await store.delete(key, { signal })
      if (deleted.outcome === 'unknown') throw deleted.cause
    },
  }
}

const unrecorded: WriteObjectDeps['records'] = {
  write: async () => {},
  find: async () => undefined,
  complete: async (meta) => meta,
}

const pathOf = (id: string) => `${exportPrefix}${id}.jsonl`

/** `undefined` for what cannot be the id of an export. */
function keyOf(id: string): ObjectKey | undefined {
  return id.includes('/') ? undefined : objectKeyOrUndefined(pathOf(id))
}
