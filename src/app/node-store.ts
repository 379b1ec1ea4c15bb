import { createKeyedMutex } from '../adapters/checked-conditions/keyed-mutex.ts'
import { createFolderObjectStore } from '../adapters/folder/object-store.ts'
import { createMemoryObjectStore } from '../adapters/memory/object-store.ts'
import { createObjectFetch } from '../adapters/node-http/object-fetch.ts'
import type { Clock } from '../ports/clock.ts'
import type { Digests } from '../ports/digests.ts'
import type { Ids } from '../ports/ids.ts'
import type { Log } from '../ports/log.ts'
import type { StoreTelemetry } from '../ports/store-telemetry.ts'
import { type Config, InvalidConfig, type S3Settings } from './config.ts'
import { type GuardedStores, guardStores } from './guarded-stores.ts'
import { type OpenedS3, type OpenedStore, openS3 } from './s3-store.ts'

/** Where the folder store keeps the objects and its own state. */
export function folderPlaces({ dataDir, prefix }: Config): { root: string; stateDir: string } {
  return { root: `${dataDir}/${prefix}`, stateDir: `${dataDir}/.lora-storage` }
}

/** A bucket as Node reads it. Nothing is sent yet. */
export const openNodeS3 = (settings: S3Settings, world: { ids: Ids; clock: Clock }): OpenedS3 =>
  openS3(settings, { ...world, fetch: createObjectFetch() })

/** The store of the objects on Node, bare, and the links that it signs itself. Throws `InvalidConfig` for one of Workers'. */
export function openNodeStore(config: Config, { ids, clock }: { ids: Ids; clock: Clock }): OpenedStore {
  if (config.s3 !== undefined) return openNodeS3(config.s3, { ids, clock })
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

export interface NodeStores {
  readonly opened: OpenedStore
  /** Another store for process state, where there is one. */
  readonly state: OpenedS3 | undefined
  readonly guarded: GuardedStores
}

/** The stores of a Node process behind their guards. Nothing is sent yet. Throws as `openNodeStore`. */
export function guardNodeStores(
  config: Config,
  world: {
    clock: Clock
    ids: Ids
    digests: Digests
    log: Log
    telemetry?: (store: 'objects' | 'state') => StoreTelemetry
  },
): NodeStores {
  const opened = openNodeStore(config, world)
  const state = config.stateS3 === undefined ? undefined : openNodeS3(config.stateS3, world)
  const guarded = guardStores({
    ...world,
    objects: opened.store,
    state: state?.store,
    exclusive: createKeyedMutex(),
    settings: { ...opened.resilience, ...config.storeSettings },
    stateStoreSettings: { ...state?.resilience, ...config.storeSettings },
  })
  return { opened, state, guarded }
}
