import { createFolderObjectStore } from '../adapters/folder/object-store.ts'
import { createMemoryObjectStore } from '../adapters/memory/object-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import { type Config, InvalidConfig } from './config.ts'
import { type OpenedStore, openS3 } from './s3-store.ts'

/** Where the folder store keeps the objects and its own state. */
export function folderPlaces({ dataDir, prefix }: Config): { root: string; stateDir: string } {
  return { root: `${dataDir}/${prefix}`, stateDir: `${dataDir}/.lora-storage` }
}

/** The store of the objects on Node, bare, and the links that it signs itself. Throws `InvalidConfig` for one of Workers'. */
export function openNodeStore(config: Config, { ids, clock }: { ids: Ids; clock: Clock }): OpenedStore {
  if (config.s3 !== undefined) return openS3(config.s3, { ids, clock })
  switch (config.store) {
    case 'memory':
      return { store: createMemoryObjectStore(clock), links: undefined }
    case 'folder':
      return {
        store: createFolderObjectStore({ ...folderPlaces(config), nowMs: clock.nowMs }),
        links: undefined,
      }
    default:
      throw new InvalidConfig(['STORE: r2 needs Cloudflare Workers; on Node use s3 with the endpoint of your account'])
  }
}
