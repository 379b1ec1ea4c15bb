import * as z from 'zod'
import { fallbacks } from '../../../domain/doctor/fallbacks.ts'
import { recheckMs, type SelfCheck } from '../../../domain/doctor/self-check.ts'
import type { Clock } from '../../../ports/clock.ts'
import { parseObjectKey } from '../../../ports/object-key.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { openApiDocument } from '../openapi.ts'
import { consolePage } from '../pages/console-page.ts'
import { docsPage } from '../pages/docs-page.ts'
import { type Route, route } from '../route.ts'
import { syncOf } from '../schemas/process.ts'

export interface BreakerHealth {
  readonly name: string
  readonly state: string
}

export interface Metrics {
  text(): Promise<string>
  readonly contentType: string
}

export interface OperationsDeps {
  readonly store: ObjectStore
  /** Where process state is kept; may be the same. */
  readonly state: ObjectStore
  readonly clock: Clock
  readonly storeKind: string
  /** The profile of S3 that is spoken to it. */
  readonly storeProfile: string | undefined
  /** Why links are never the store's own; `undefined` where they are, once it was seen to honour them. */
  readonly ownLinksBecause: string | undefined
  readonly version: string
  readonly publicUrl: string
  /** The state of each circuit breaker in front of the store. */
  readonly breakers: () => readonly BreakerHealth[]
  readonly selfChecks: readonly SelfCheck[]
  /** `require`: not ready with a store of process state that does not decide between racing writers. */
  readonly stateCas: 'auto' | 'require'
  /** Without it there is no such route. */
  readonly metrics: Metrics | undefined
}

const condition = z.enum(['atomic', 'checked', 'none'])
const capability = z.union([condition, z.boolean(), z.number()])

const CapabilitiesSchema = z.object({
  store: z.string(),
  profile: z.string().nullable(),
  capabilities: z.object({
    conditionalPut: condition,
    conditionalComplete: condition,
    conditionalDelete: condition,
    batchDelete: z.boolean(),
    listParts: z.boolean(),
    abortMultipart: z.boolean(),
    objectMetadata: z.boolean(),
    metadataBeside: z.literal(true).optional(),
    presign: z.boolean(),
    minPartBytes: z.number(),
    maxPartBytes: z.number(),
    maxParts: z.number(),
  }),
  fallbacks: z.array(z.object({ capability: z.string(), instead: z.string() })),
  links: z.object({ via: z.enum(['store', 'api']), because: z.string().nullable() }),
  checkedAt: z.string().nullable().meta({ description: 'when the store last showed what it can do' }),
  downgrades: z
    .array(
      z.object({
        store: z.string(),
        capability: z.string(),
        from: capability,
        to: capability,
        at: z.string(),
        reason: z.string(),
      }),
    )
    .meta({ description: 'what the store was seen to do and does no more; only a restart takes one back' }),
})

const ReadySchema = z.object({
  ready: z.boolean(),
  store: z.object({ kind: z.string(), checkedAt: z.string(), ok: z.boolean(), durationMs: z.number() }),
  sync: z.enum(['cas', 'merge']).nullable(),
  breakers: z.array(z.object({ name: z.string(), state: z.string() })),
})

/** By GET and not by HEAD, whose 404 cannot tell a missing object from a missing bucket. */
async function isReached(store: ObjectStore, signal: AbortSignal): Promise<void> {
  const found = await store.get(checkKey, { signal })
  await found?.body.cancel()
}

const fallbackFor = (capability: string): string =>
  capability in fallbacks ? fallbacks[capability as keyof typeof fallbacks] : 'refused'

const timeOrNull = (atMs: number | undefined) => (atMs === undefined ? null : new Date(atMs).toISOString())

interface StoreCheck {
  readonly atMs: number
  readonly ok: boolean
  readonly sync: 'cas' | 'merge' | null
  readonly durationMs: number
}

const freshMs = 1_000
/** A check that takes longer goes on being old; the next one to ask tries again. */
const recheckPatienceMs = 20_000
/** A store that needs longer for one HEAD is not one to send requests to. */
const patienceMs = 5_000

/** Never there, so that asking for it reads nothing and lists nothing. */
const checkKey = parseObjectKey('.probe/readyz')

export function operationRoutes(deps: OperationsDeps, others: readonly Route[]): Route[] {
  const { store, state, clock, storeKind, storeProfile, version, publicUrl, breakers, selfChecks, stateCas } = deps
  const stores = [...new Set([store, state])]
  let last: StoreCheck | undefined

  /** On Node a timer keeps the verdicts young; on Workers, which have none, it is whoever asks. */
  const recheckOld = async (signal: AbortSignal): Promise<void> => {
    const patient = AbortSignal.any([signal, AbortSignal.timeout(recheckPatienceMs)])
    await Promise.all(selfChecks.map((one) => one.recheck({ signal: patient, notWithinMs: recheckMs })))
  }

  /** Asked at most once a second, however many look: the call needs no token. */
  const checkStores = async (signal: AbortSignal): Promise<StoreCheck> => {
    if (last !== undefined && clock.nowMs() - last.atMs < freshMs) return last
    await recheckOld(signal)
    const startedAtMs = clock.nowMs()
    const patient = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    const asked = await Promise.allSettled(stores.map((one) => isReached(one, patient)))
    const seen = await Promise.allSettled([state.capabilities({ signal: patient })])
    const [capabilities] = seen
    const sync = capabilities?.status === 'fulfilled' ? syncOf(capabilities.value) : null
    const answered = [...asked, ...seen].every(({ status }) => status === 'fulfilled')
    const ok = answered && (stateCas === 'auto' || sync === 'cas')
    last = { atMs: startedAtMs, ok, sync, durationMs: clock.nowMs() - startedAtMs }
    return last
  }

  const livez = route(
    {
      method: 'get',
      path: '/livez',
      operationId: 'livez',
      tag: 'operations',
      summary: 'The process runs',
      scope: 'open',
      responses: { 200: { description: 'alive', json: z.object({ live: z.literal(true), version: z.string() }) } },
    },
    (c) => c.json({ live: true, version }),
  )

  const readyz = route(
    {
      method: 'get',
      path: '/readyz',
      operationId: 'readyz',
      tag: 'operations',
      summary: 'The store answers',
      scope: 'open',
      responses: {
        200: { description: 'ready', json: ReadySchema },
        503: { description: 'the store does not answer, or does not do what STATE_CAS requires', json: ReadySchema },
      },
    },
    async (c) => {
      const { atMs, ok, sync, durationMs } = await checkStores(c.var.signal)
      const checked = { kind: storeKind, checkedAt: new Date(atMs).toISOString(), ok, durationMs }
      const body = { ready: ok, store: checked, sync, breakers: [...breakers()] }
      return c.json(body, ok ? 200 : 503, ok ? {} : { 'Retry-After': '2' })
    },
  )

  const capabilities = route(
    {
      method: 'get',
      path: '/v1/capabilities',
      operationId: 'getCapabilities',
      tag: 'operations',
      summary: 'What the store was seen to do, and what is done instead where it cannot',
      scope: 'read',
      responses: { 200: { description: 'capabilities', json: CapabilitiesSchema } },
    },
    async (c) => {
      const { signal } = c.var
      await recheckOld(signal)
      const seen = await store.capabilities({ signal })
      const seenOfState = state === store ? seen : await state.capabilities({ signal })
      const missing = Object.entries(seen).filter(
        ([name, value]) => value === false || value === 'checked' || value === 'none' || name === 'metadataBeside',
      )
      const because = deps.ownLinksBecause ?? (seen.presign ? undefined : 'the store was seen not to honour its URLs')
      return c.json({
        store: storeKind,
        profile: storeProfile ?? null,
        capabilities: seen,
        fallbacks: missing.map(([capability]) => ({ capability, instead: fallbackFor(capability) })),
        links: { via: because === undefined ? 'store' : 'api', because: because ?? null },
        checkedAt: timeOrNull(selfChecks[0]?.verdict().checkedAtMs),
        downgrades: selfChecks.flatMap(({ name, verdict }) =>
          verdict().downgrades.map(({ capability, from, atMs, reason }) => ({
            store: name,
            capability,
            from,
            // As it is offered now: what the store lost is made up for where it can be.
            to: (name === 'state' ? seenOfState : seen)[capability] ?? from,
            at: new Date(atMs).toISOString(),
            reason,
          })),
        ),
      })
    },
  )

  const page = (path: string, operationId: string, summary: string, html: string) =>
    route(
      {
        method: 'get',
        path,
        operationId,
        tag: 'operations',
        summary,
        scope: 'open',
        responses: { 200: { description: 'a page', mediaType: 'text/html' } },
      },
      (c) =>
        c.html(html, 200, {
          'Content-Security-Policy':
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
          'X-Content-Type-Options': 'nosniff',
          'Referrer-Policy': 'no-referrer',
        }),
    )

  const described: Route[] = [
    ...others,
    livez,
    readyz,
    capabilities,
    ...(deps.metrics === undefined ? [] : [metricsRoute(deps.metrics)]),
    page('/docs', 'docs', 'The API, to read', docsPage),
    page('/', 'console', 'A console for people', consolePage),
  ]
  const openapi: Route = route(
    {
      method: 'get',
      path: '/openapi.json',
      operationId: 'openapi',
      tag: 'operations',
      summary: 'This API as OpenAPI 3.1',
      scope: 'open',
      responses: { 200: { description: 'OpenAPI 3.1', mediaType: 'application/json' } },
    },
    (c) => c.json(document()),
  )
  // Made at the first request and kept: on Workers the start of an isolate is on the clock.
  let made: Record<string, unknown> | undefined
  const document = () => {
    made ??= openApiDocument([...described, openapi], { version, serverUrl: publicUrl })
    return made
  }
  return [...described.slice(others.length), openapi]
}

const metricsRoute = ({ text, contentType }: Metrics): Route =>
  route(
    {
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      tag: 'operations',
      summary: 'Counters and gauges for Prometheus',
      scope: 'admin',
      responses: { 200: { description: 'Prometheus text', mediaType: 'text/plain' } },
    },
    async (c) => c.body(await text(), 200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }),
  )
