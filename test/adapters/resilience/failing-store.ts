import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { withResilience } from '../../../src/adapters/resilience/object-store.ts'
import { defaultSettings, type ResilienceSettings } from '../../../src/adapters/resilience/settings.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import type { LogFields } from '../../../src/ports/log.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import type { StoreEvent } from '../../../src/ports/store-telemetry.ts'

/** What a call does instead of reaching the store, or after it has reached it. */
export type Trouble =
  | { readonly throws: unknown }
  /** Does the work, and then loses the answer. */
  | { readonly loses: StoreUnavailable }
  /** Never answers, and does not listen to its signal either. */
  | 'hangs'
  | 'works'

export const neverSent = () => new StoreUnavailable('refused', { effect: 'never-sent' })
export const maybeSent = () => new StoreUnavailable('reset', { effect: 'maybe-sent' })

export interface FailingStore {
  readonly store: ObjectStore
  /** Names of the port's methods, one for each attempt that arrived. */
  readonly calls: string[]
  /** What the next calls meet, in order; all after them work. */
  next(...troubles: Trouble[]): void
}

/** The memory store, on a bad day. */
export function createFailingStore(): FailingStore {
  const memory = createMemoryObjectStore({ nowMs: Date.now })
  const calls: string[] = []
  const script: Trouble[] = []

  const meet = async <Value>(method: string, work: () => Promise<Value>): Promise<Value> => {
    calls.push(method)
    const trouble = script.shift() ?? 'works'
    if (trouble === 'hangs') return new Promise(() => {})
    if (trouble !== 'works' && 'throws' in trouble) throw trouble.throws
    const done = await work()
    if (trouble !== 'works') throw trouble.loses
    return done
  }
  const asOutcome = <Value>(work: Promise<Value>) =>
    work.catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable) || error.effect === 'never-sent') throw error
      return { outcome: 'unknown', cause: error } as const
    })

  return {
    calls,
    next: (...troubles) => script.push(...troubles),
    store: {
      capabilities: (options) => meet('capabilities', () => memory.capabilities(options)),
      put: (key, body, options) => asOutcome(meet('put', () => memory.put(key, body, options))),
      get: (key, options) => meet('get', () => memory.get(key, options)),
      read: (key, { maxBytes: _, ...which }) =>
        meet('read', async () => {
          const found = await memory.get(key, which)
          return found && { ...found, bytes: await new Response(found.body).bytes() }
        }),
      head: (key, options) => meet('head', () => memory.head(key, options)),
      storedCrc32: (_, { sizeBytes }) => meet('storedCrc32', async () => [{ sizeBytes, crc32: 7 }]),
      list: (options) => meet('list', () => memory.list(options)),
      delete: (key, options) => asOutcome(meet('delete', () => memory.delete(key, options))),
      deleteMany: (keys, options) => meet('deleteMany', () => memory.deleteMany(keys, options)),
      createMultipart: (key, options) => meet('createMultipart', () => memory.createMultipart(key, options)),
      putPart: (upload, partNumber, body, options) =>
        meet('putPart', () => memory.putPart(upload, partNumber, body, options)),
      listParts: (upload, options) => meet('listParts', () => memory.listParts(upload, options)),
      completeMultipart: (upload, parts, options) =>
        asOutcome(meet('completeMultipart', () => memory.completeMultipart(upload, parts, options))),
      abortMultipart: (upload, options) => meet('abortMultipart', () => memory.abortMultipart(upload, options)),
    },
  }
}

/** Milliseconds where the defaults have seconds. */
export const quick: Partial<ResilienceSettings> = {
  backoffFirstMs: 2,
  backoffMaxMs: 8,
  metaAttemptMs: 80,
  metaDeadlineMs: 400,
  listAttemptMs: 80,
  listDeadlineMs: 400,
  probeAttemptMs: 80,
  probeDeadlineMs: 400,
  openAttemptMs: 80,
  openDeadlineMs: 400,
  bodyIdleMs: 60,
  sendAttemptMinMs: 80,
  sendAttemptMaxMs: 80,
  openFirstMs: 100,
  completeAttemptMs: 80,
  completeDeadlineMs: 2_000,
  completeLookFirstMs: 2,
  completeLookMaxMs: 8,
}

/** The guard, with what it logs (but for the details of every attempt) and what it tells. */
export function guard(
  store: ObjectStore,
  settings: Partial<ResilienceSettings> = {},
  options: { verifyBodies?: boolean } = {},
) {
  const events: { event: string; fields: LogFields | undefined }[] = []
  const keep = (event: string, fields?: LogFields) => void events.push({ event, fields })
  const told: StoreEvent[] = []
  const guarded = withResilience(store, {
    clock: createSystemClock(),
    ids: { fraction: Math.random },
    digests: createDigests(),
    log: { debug: () => {}, info: keep, warn: keep, error: keep },
    telemetry: (event) => told.push(event),
    settings: { ...defaultSettings, ...quick, ...settings },
    ...options,
  })
  return { ...guarded, events, told }
}

/** What was thrown, or `{ value }`. */
export const thrown = (call: Promise<unknown>) =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  )
