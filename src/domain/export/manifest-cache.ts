import type { ETag } from '../../ports/object-store.ts'
import type { FrozenExport } from './frozen-export.ts'

export interface ManifestCache {
  /** Of just this version of the stored manifest. */
  get(id: string, version: ETag): FrozenExport | undefined
  /** Those that were used the longest ago make room. One that is larger than all the room is not kept. */
  keep(id: string, version: ETag, frozen: FrozenExport): void
}

/** Holds exports with at most `entriesMax` entries together. */
export function createManifestCache(entriesMax: number): ManifestCache {
  /** The one that was used last comes last. */
  const kept = new Map<string, { readonly version: ETag; readonly frozen: FrozenExport }>()
  let entries = 0

  const drop = (id: string) => {
    entries -= kept.get(id)?.frozen.manifest.entries.length ?? 0
    kept.delete(id)
  }

  return {
    get(id, version) {
      const found = kept.get(id)
      if (found?.version !== version) return undefined
      kept.delete(id)
      kept.set(id, found)
      return found.frozen
    },

    keep(id, version, frozen) {
      drop(id)
      const more = frozen.manifest.entries.length
      if (more > entriesMax) return
      for (const oldest of kept.keys()) {
        if (entries + more <= entriesMax) break
        drop(oldest)
      }
      kept.set(id, { version, frozen })
      entries += more
    },
  }
}
