import * as z from 'zod'
import { fallbacks } from '../../../domain/doctor/fallbacks.ts'
import { recheckOld, type SelfCheck } from '../../../domain/doctor/self-check.ts'
import type { ProcessLedger } from '../../../domain/process/process-ledger.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { type Route, route } from '../route.ts'

export interface CapabilitiesDeps {
  readonly store: ObjectStore
  /** Where process state is kept; may be the same. */
  readonly state: ObjectStore
  readonly ledger: Pick<ProcessLedger, 'sync'>
  readonly storeKind: string
  /** The profile of S3 that is spoken to it. */
  readonly storeProfile: string | undefined
  /** Why links are never the store's own; `undefined` where they are, once it was seen to honour them. */
  readonly ownLinksBecause: string | undefined
  readonly selfChecks: readonly SelfCheck[]
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
  sync: z
    .enum(['cas', 'merge'])
    .meta({ description: 'how writers of process state agree: the store decides, or what each wrote is joined' }),
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

const fallbackFor = (capability: string): string =>
  capability in fallbacks ? fallbacks[capability as keyof typeof fallbacks] : 'refused'

const timeOrNull = (atMs: number | undefined) => (atMs === undefined ? null : new Date(atMs).toISOString())

export function capabilitiesRoute(deps: CapabilitiesDeps): Route {
  const { store, state, storeKind, storeProfile, selfChecks } = deps
  return route(
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
      await recheckOld(selfChecks, { signal })
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
        sync: await deps.ledger.sync({ signal }),
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
}
