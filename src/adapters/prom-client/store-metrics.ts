import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ExportTelemetry } from '../../ports/export-telemetry.ts'
import type { CallClass, StoreHealth, StoreTelemetry } from '../../ports/store-telemetry.ts'

export interface StoreMetrics {
  /** For the guard around the store of this name. */
  telemetry(store: string): StoreTelemetry
  readonly exports: ExportTelemetry
  /** Everything in the Prometheus text format, as it stands now; `healths` by the name of the store. */
  text(healths: Readonly<Record<string, StoreHealth>>): Promise<string>
  readonly contentType: string
}

const groups: readonly CallClass[] = ['data', 'meta', 'list']
const seconds = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const circuitLevels = { closed: 0, 'half-open': 1, open: 2 } as const

/**
 * Counts what the guards tell, for Prometheus, beside the process's own figures. Labels are the store's role, the class of a
 * call and its operation: a few dozen series, and never a key, a bucket or an endpoint. Node only.
 */
export function createStoreMetrics(): StoreMetrics {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  collectDefaultMetrics({ register: registry })

  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name: `lora_store_${name}`, help, labelNames: ['store', ...labelNames], registers })
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Gauge({ name: `lora_store_${name}`, help, labelNames: ['store', ...labelNames], registers })
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `lora_store_${name}`, help, labelNames: ['store', 'group'], buckets: seconds, registers })

  const attempts = counter('attempts_total', 'Requests to the store, by how they ended', [
    'group',
    'operation',
    'result',
  ])
  const attemptSeconds = histogram('attempt_seconds', 'How long they took, until headers for reads of bodies')
  const retries = counter('retries_total', 'Attempts after the first', ['group', 'operation'])
  const denied = counter('retries_denied_total', 'Retries that the budget did not allow', ['group', 'operation'])
  const queued = histogram('queue_seconds', 'How long calls waited for a place, of those that waited')
  const changes = counter('circuit_changes_total', 'Changes of a circuit breaker, by its new state', [
    'group',
    'circuit',
  ])
  const bodies = counter('body_failures_total', 'Bodies that broke off, stood still or crawled', ['resumed'])
  const settled = counter('settled_total', 'Lost answers that were settled by looking', ['operation', 'verdict'])

  const circuit = gauge('circuit', 'The state of a circuit breaker: 0 closed, 1 half open, 2 open', ['group'])
  const running = gauge('running', 'Calls under way', ['group'])
  const waiting = gauge('waiting', 'Calls that wait for a place', ['group'])
  const places = gauge('places', 'Calls that may be under way at once; fewer than set while the store throttles', [
    'group',
  ])
  const budget = gauge('retry_budget', 'Points that are left for retries', [])

  const exportBytes = new Counter({
    name: 'lora_export_bytes_total',
    help: 'Bytes of zips that clients took',
    registers,
  })
  const downloads = new Counter({
    name: 'lora_export_downloads_total',
    help: 'Downloads of zips, whole or in part, by how they ended',
    labelNames: ['outcome'],
    registers,
  })

  return {
    contentType: registry.contentType,

    exports: {
      delivered: (bytes) => exportBytes.inc(bytes),
      ended: (outcome) => downloads.inc({ outcome }),
    },

    telemetry: (store) => (told) => {
      switch (told.event) {
        case 'attempt': {
          const { group, operation, result, durationMs } = told
          attempts.inc({ store, group, operation, result })
          return attemptSeconds.observe({ store, group }, durationMs / 1000)
        }
        case 'retry':
          return retries.inc({ store, group: told.group, operation: told.operation })
        case 'retry-denied':
          return denied.inc({ store, group: told.group, operation: told.operation })
        case 'queued':
          return queued.observe({ store, group: told.group }, told.waitedMs / 1000)
        case 'circuit':
          return changes.inc({ store, group: told.group, circuit: told.circuit })
        case 'body-failed':
          return bodies.inc({ store, resumed: `${told.resumed}` })
        case 'settled':
          return settled.inc({ store, operation: told.operation, verdict: told.verdict })
      }
    },

    async text(healths) {
      for (const [store, health] of Object.entries(healths)) {
        budget.set({ store }, health.retryBudget)
        for (const group of groups) circuit.set({ store, group }, circuitLevels[health[group].circuit])
        for (const group of [...groups, 'parts'] as const) {
          running.set({ store, group }, health[group].running)
          waiting.set({ store, group }, health[group].waiting)
          places.set({ store, group }, health[group].places)
        }
      }
      return await registry.metrics()
    },
  }
}
