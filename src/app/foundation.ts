import type { LinkSecret } from '../adapters/hmac-links/hmac-links.ts'
import type { SelfCheck } from '../domain/doctor/self-check.ts'
import type { ReadAheadLimits } from '../domain/export/read-ahead.ts'
import type { InTurn } from '../domain/process/ledger-deps.ts'
import type { Clock } from '../ports/clock.ts'
import type { Digests } from '../ports/digests.ts'
import type { ExportTelemetry } from '../ports/export-telemetry.ts'
import type { Ids } from '../ports/ids.ts'
import type { LinkSigner } from '../ports/link-signer.ts'
import type { Log } from '../ports/log.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { RecentLines } from '../ports/recent-lines.ts'
import type { Config } from './config.ts'
import type { Metrics } from './http/routes/metrics.ts'
import type { StreamLimits } from './http/routes/process-events.ts'
import type { BreakerHealth } from './http/routes/readiness.ts'

/** What differs between Node and Workers: made by the entry, guarded already. */
export interface Foundation {
  readonly config: Config
  /** Without a slash at the end. */
  readonly publicUrl: string
  readonly linkSecrets: readonly LinkSecret[]
  readonly objects: ObjectStore
  /** Where process state is kept; the same store unless `STATE_S3_*` says otherwise. */
  readonly state: ObjectStore
  /** Turns at a process for the requests of this instance; none on Workers, where requests cannot wait for each other. */
  readonly exclusive?: InTurn | undefined
  readonly storeLinks: LinkSigner | undefined
  /** Why there are none, where more can be said than that this kind of store has none. */
  readonly ownLinksBecause?: string | undefined
  /** The profile of S3 that is spoken to the store. */
  readonly storeProfile?: string | undefined
  readonly breakers: () => readonly BreakerHealth[]
  /** One for each store beneath the guards. */
  readonly selfChecks: readonly SelfCheck[]
  /** In the Prometheus text format; `undefined` where nobody counts, as on Workers. */
  readonly metrics: Metrics | undefined
  readonly exportTelemetry?: ExportTelemetry | undefined
  /** `shared`: those who follow the same wait for the same looks. Not on Workers. */
  readonly streams: StreamLimits & { readonly shared: boolean }
  /** Of exports: what this runtime and this kind of store bear. */
  readonly readAhead: ReadAheadLimits
  readonly digests: Digests
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  /** What was logged last, for the dashboard. */
  readonly recentLines?: RecentLines | undefined
}
