import { StoreUnavailable } from '../../src/ports/errors.ts'
import { compareKeys, type ObjectKey } from '../../src/ports/object-key.ts'
import type {
  DeleteOutcome,
  ETag,
  ListedObject,
  ObjectMeta,
  ObjectStore,
  PutCondition,
  PutOutcome,
  StoreCapabilities,
} from '../../src/ports/object-store.ts'
import type { Random } from '../faults/random.ts'
import type { World } from './world.ts'

/** What the store took, in the order in which it took it. */
export interface Commit {
  readonly atMs: number
  readonly key: string
  /** `undefined`: deleted. */
  readonly body: Uint8Array | undefined
}

/** How often each of these happens, from 0 to 1. */
export interface Faults {
  readonly lostRequest: number
  readonly lostAnswer: number
  readonly appliedLate: number
  readonly duplicate: number
  readonly conflict: number
  readonly refusedBefore: number
  readonly failedAfter: number
  readonly slow: number
  readonly staleList: number
}

export const someFaults: Faults = {
  lostRequest: 0.03,
  lostAnswer: 0.05,
  appliedLate: 0.03,
  duplicate: 0.02,
  conflict: 0.02,
  refusedBefore: 0.02,
  failedAfter: 0.02,
  slow: 0.03,
  staleList: 0.05,
}

export interface SimServer {
  readonly commits: readonly Commit[]
  /** From then on nothing goes wrong any more. */
  heal(): void
  /** What an instance has of the store. When the instance has crashed, nothing comes back, and what was sent may still land. */
  connect(instance: { readonly crashed: boolean }): ObjectStore
  body(key: string): Uint8Array | undefined
  keys(prefix: string): string[]
}

interface Kept {
  readonly body: Uint8Array
  readonly etag: ETag
  readonly lastModified: Date
}

/** Shorter than the pauses of a client, long against a usual answer. */
const patienceMs = 5_000
/** Small, so that every listing has pages; events are more than documents. */
const pageSizes = { atomic: 2, none: 20 } as const

/**
 * A store whose requests and answers travel by themselves: each may be lost, late, doubled or overtaken, and what the
 * client is told is not what has happened. `atomic`: it decides between conditions; `none`: it has none.
 */
export function createSimServer(
  world: World,
  random: Random,
  { conditionalPut, faults }: { conditionalPut: 'atomic' | 'none'; faults: Faults },
): SimServer {
  const objects = new Map<string, Kept>()
  const commits: Commit[] = []
  /** Listings of a while ago: the keys as they were. */
  let listings: { readonly atMs: number; readonly objects: readonly [string, Kept][] }[] = []
  let versions = 0
  let ill = true
  const chance = (likely: number) => ill && random.fraction() < likely

  const pageSize = pageSizes[conditionalPut]
  const holds = (key: string, when: PutCondition): boolean => {
    if (when === 'always' || conditionalPut === 'none') return true
    const current = objects.get(key)
    return when === 'if-absent' ? current === undefined : current?.etag === when.ifMatch
  }
  const remember = () => {
    listings = [...listings, { atMs: world.nowMs(), objects: [...objects] }].slice(-20)
  }

  const put = (key: string, body: Uint8Array, when: PutCondition): PutOutcome => {
    if (!holds(key, when)) return { outcome: 'rejected' }
    remember()
    versions += 1
    const etag = `v${versions}` as ETag
    objects.set(key, { body, etag, lastModified: new Date(world.nowMs()) })
    commits.push({ atMs: world.nowMs(), key, body })
    return { outcome: 'applied', etag }
  }
  const remove = (key: string, when: PutCondition): DeleteOutcome => {
    if (!holds(key, when)) return { outcome: 'rejected' }
    remember()
    if (objects.delete(key)) commits.push({ atMs: world.nowMs(), key, body: undefined })
    return { outcome: 'applied' }
  }

  const metaOf = (key: string, { body, etag, lastModified }: Kept): ObjectMeta => ({
    key: key as ObjectKey,
    sizeBytes: body.byteLength,
    etag,
    lastModified,
    contentType: 'application/json',
    checksums: undefined,
    attributes: {},
  })

  const connect = (instance: { readonly crashed: boolean }): ObjectStore => {
    const travelMs = () => (chance(faults.slow) ? random.integer(500, 8_000) : random.integer(1, 40))

    /** One request: `act` is what the store does with it, `refuse` what it says instead. */
    const request = <Result>(act: () => Result, refuse: (() => Result) | undefined): Promise<Result> =>
      new Promise((resolve, reject) => {
        let isSettled = false
        const settle = (finish: () => void) => {
          if (isSettled || instance.crashed) return
          isSettled = true
          finish()
        }
        const fail = (message: string) => settle(() => reject(new StoreUnavailable(message)))
        const answer = (result: Result) => world.after(travelMs(), () => settle(() => resolve(result)))
        world.after(patienceMs, () => fail('no answer in time'))
        if (chance(faults.lostRequest)) return
        if (chance(faults.refusedBefore)) return world.after(travelMs(), () => fail('503 before'))
        if (refuse !== undefined && chance(faults.conflict)) return answer(refuse())
        const arrivesMs = chance(faults.appliedLate) ? patienceMs + random.integer(1, 30_000) : travelMs()
        const isLost = chance(faults.lostAnswer)
        const isFailed = chance(faults.failedAfter)
        if (chance(faults.duplicate)) world.after(arrivesMs + random.integer(1, 10_000), () => void act())
        world.after(arrivesMs, () => {
          const result = act()
          if (isFailed) world.after(travelMs(), () => fail('502 after'))
          else if (!isLost) answer(result)
        })
      })

    const unknown = (error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error
      return { outcome: 'unknown', cause: error } as const
    }
    const never = () => Promise.reject(new Error('not simulated'))
    const rejected = () => ({ outcome: 'rejected' }) as const

    return {
      nowMs: world.nowMs,
      async capabilities() {
        return { conditionalPut, conditionalDelete: conditionalPut } as StoreCapabilities
      },
      put(key, body, { when }) {
        const kept = body.slice()
        return request<PutOutcome>(() => put(key, kept, when), when === 'always' ? undefined : rejected).catch(unknown)
      },
      delete: (key, { ifMatch }) =>
        request<DeleteOutcome>(() => remove(key, ifMatch === undefined ? 'always' : { ifMatch }), undefined).catch(
          unknown,
        ),
      get: (key) =>
        request(() => {
          const kept = objects.get(key)
          if (kept === undefined) return undefined
          const body = new ReadableStream<Uint8Array>({
            start(controller) {
              if (kept.body.byteLength > 0) controller.enqueue(kept.body.slice())
              controller.close()
            },
          })
          return { meta: metaOf(key, kept), offset: 0, lengthBytes: kept.body.byteLength, body }
        }, undefined),
      head: (key) =>
        request(() => {
          const kept = objects.get(key)
          return kept && metaOf(key, kept)
        }, undefined),
      list: ({ prefix, cursor = '' }) =>
        request(() => {
          const isStale = chance(faults.staleList)
          const old = listings.find(({ atMs }) => world.nowMs() - atMs < 2_000)
          const listed = isStale && old !== undefined ? old.objects : [...objects]
          const found: ListedObject[] = listed
            .filter(([key]) => key.startsWith(prefix) && key > cursor)
            .sort(([a], [b]) => compareKeys(a, b))
            .map(([key, kept]) => metaOf(key, kept))
          const page = found.slice(0, pageSize)
          return { objects: page, prefixes: [], cursor: found.length > pageSize ? page.at(-1)?.key : undefined }
        }, undefined),
      async deleteMany(keys) {
        for (const key of keys) await request(() => remove(key, 'always'), undefined)
        return keys.map((key) => ({ key, error: undefined }))
      },
      createMultipart: never,
      putPart: never,
      listParts: never,
      completeMultipart: never,
      abortMultipart: never,
    }
  }

  return {
    commits,
    heal() {
      ill = false
    },
    connect,
    body: (key) => objects.get(key)?.body,
    keys: (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
  }
}
