import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { onTestFinished } from 'vitest'
import { createMemoryObjectStore } from '../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { compose } from '../../src/app/composition.ts'
import { readConfig } from '../../src/app/config.ts'
import { guardStores } from '../../src/app/guarded-stores.ts'
import { createLogSinks } from '../../src/app/log-sinks.ts'
import { localReadAhead } from '../../src/domain/export/read-ahead.ts'
import type { InTurn } from '../../src/domain/process/ledger-deps.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { ExportTelemetry } from '../../src/ports/export-telemetry.ts'
import type { Ids } from '../../src/ports/ids.ts'
import type { LinkSigner } from '../../src/ports/link-signer.ts'
import { parseObjectKey } from '../../src/ports/object-key.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'

export const publicUrl = 'http://127.0.0.1:8787'
export const startedAtMs = Date.parse('2026-03-01T12:00:00.000Z')

/** 32 bytes of the same value: a secret by its length, and easily told apart. */
export const linkSecret = (keyId: string, fill = 7) => ({ keyId, secret: new Uint8Array(32).fill(fill) })

export interface ServiceOptions {
  /** As in the environment of the service: `API_TOKENS`, `CORS_ORIGINS`, `DASHBOARD`, limits. */
  readonly env?: Readonly<Record<string, string>>
  /** Stands between the service and its memory. */
  readonly wrap?: (store: ObjectStore) => ObjectStore
  /** In place of a memory store. */
  readonly store?: ObjectStore
  readonly clock?: TestClock
  readonly linkSecrets?: readonly ReturnType<typeof linkSecret>[]
  /** As if the store signed URLs itself. */
  readonly storeLinks?: LinkSigner
  readonly ownLinksBecause?: string
  readonly exportTelemetry?: ExportTelemetry
  /** Ends streams of events, as the end of the service does. */
  readonly ending?: AbortSignal
  /** Several instances on one store need ids that differ. */
  readonly ids?: Ids
  /** Requests of this instance take turns at a process, as on Node. */
  readonly exclusive?: InTurn
}

export interface RequestOptions extends Omit<RequestInit, 'headers'> {
  readonly headers?: Record<string, string>
  /** Sent as `application/json`. */
  readonly json?: unknown
}

export interface Service {
  readonly clock: TestClock
  /** What lies beneath, not wrapped. */
  readonly store: ObjectStore
  /** Everything logged so far, one JSON object each. */
  readonly logLines: string[]
  request(path: string, options?: RequestOptions): Promise<Response>
  fetch(request: Request): Promise<Response>
  /** Every key in the store, our own bookkeeping too. */
  keys(prefix?: string): Promise<string[]>
  text(key: string): Promise<string | undefined>
  /** Over a real socket, until the end of the test; gives the port. */
  listen(): Promise<number>
}

/** The whole service as it is composed in production, over a memory store, with a clock that stands still. */
export function createService(options: ServiceOptions = {}): Service {
  const clock = options.clock ?? createTestClock()
  const store = options.store ?? createMemoryObjectStore(clock)
  const logLines: string[] = []
  const ids = options.ids ?? createTestIds()
  const config = readConfig({ STORE: 'memory', LOG_LEVEL: 'debug', ...options.env })
  const { log, recentLines } = createLogSinks(config, {
    write: (line) => logLines.push(line),
    nowMs: clock.nowMs,
  })
  const { objects, state, breakers, selfChecks } = guardStores({
    objects: options.wrap?.(store) ?? store,
    state: undefined,
    exclusive: undefined,
    clock,
    ids,
    digests: createDigests(),
    log,
  })
  const app = compose({
    config,
    publicUrl,
    linkSecrets: options.linkSecrets ?? [linkSecret('k1')],
    objects,
    state,
    exclusive: options.exclusive,
    storeLinks: options.storeLinks,
    ownLinksBecause: options.ownLinksBecause,
    breakers,
    selfChecks,
    metrics: { text: async () => 'up 1\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' },
    exportTelemetry: options.exportTelemetry,
    streams: { shared: true, lastMs: 60_000, ending: options.ending },
    readAhead: localReadAhead,
    digests: createDigests(),
    clock,
    ids,
    log,
    recentLines,
  })

  return {
    clock,
    store,
    logLines,

    async request(path, { json, headers = {}, ...init } = {}) {
      const request: RequestInit & { duplex: 'half' } = { ...init, headers, duplex: 'half' }
      if (json !== undefined) {
        request.headers = { 'content-type': 'application/json', ...headers }
        request.body = JSON.stringify(json)
      }
      return await app.fetch(new Request(`${publicUrl}${path}`, request))
    },

    fetch: async (request) => await app.fetch(request),

    async keys(prefix = '') {
      return await everyKey(store, prefix)
    },

    async text(key) {
      const found = await store.get(parseObjectKey(key), { signal: unending })
      return found && (await new Response(found.body).text())
    },

    async listen() {
      const server = createAdaptorServer({ fetch: app.fetch, serverOptions: { requestTimeout: 0 } }) as Server
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      })
      return (server.address() as AddressInfo).port
    },
  }
}

/** A signal that is never aborted. */
export const unending = new AbortController().signal

export async function everyKey(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.list({
      prefix,
      limit: 1000,
      signal: unending,
      ...(cursor === undefined ? {} : { cursor }),
    })
    keys.push(...page.objects.map(({ key }) => key))
    cursor = page.cursor
  } while (cursor !== undefined)
  return keys
}

export interface TestClock extends Clock {
  advance(durationMs: number): void
}

/** Stands still but for `advance`. Sleeping only lets others go first. */
export function createTestClock(): TestClock {
  let nowMs = startedAtMs
  return {
    nowMs: () => nowMs,
    async sleep(_, signal) {
      await new Promise((resolve) => setImmediate(resolve))
      signal.throwIfAborted()
    },
    advance(durationMs) {
      nowMs += durationMs
    },
  }
}

function createTestIds(): Ids {
  let made = 0
  return {
    next() {
      made += 1
      return `id${made.toString().padStart(24, '0')}`
    },
    fraction: () => 0.5,
  }
}
