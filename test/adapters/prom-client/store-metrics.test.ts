import { expect, it } from 'vitest'
import { createStoreMetrics } from '../../../src/adapters/prom-client/store-metrics.ts'
import type { StoreHealth } from '../../../src/ports/store-telemetry.ts'
import { createFailingStore, guard, maybeSent, thrown } from '../resilience/failing-store.ts'

const { signal } = new AbortController()

/** Each line that is no comment, as `name{labels}` and its value. */
function series(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

it('counts what a guard tells, and shows how it stands', async () => {
  const metrics = createStoreMetrics()
  const failing = createFailingStore()
  const { store, health, told } = guard(failing.store, { openFirstMs: 60_000 })
  failing.next({ throws: maybeSent() })
  await store.list({ signal, prefix: '', limit: 1 })
  failing.next(...Array.from({ length: 99 }, () => ({ throws: maybeSent() })))
  for (let i = 0; i < 4; i++) await thrown(store.list({ signal, prefix: '', limit: 1 }))
  for (const event of told) metrics.telemetry('objects')(event)
  const seen = series(await metrics.text({ objects: health() }))

  const list = 'store="objects",group="list",operation="list"'
  const attempts = (result: string) => seen.get(`lora_store_attempts_total{${list},result="${result}"}`) ?? 0
  expect(attempts('answered')).toBe(1)
  expect(attempts('answered') + attempts('failed')).toBe(failing.calls.length)
  expect(seen.get('lora_store_attempt_seconds_count{store="objects",group="list"}')).toBe(failing.calls.length)
  expect(seen.get(`lora_store_retries_total{${list}}`)).toBe(told.filter(({ event }) => event === 'retry').length)
  expect(seen.get('lora_store_circuit{store="objects",group="list"}')).toBe(2)
  expect(seen.get('lora_store_circuit{store="objects",group="data"}')).toBe(0)
  expect(seen.get('lora_store_circuit_changes_total{store="objects",group="list",circuit="open"}')).toBe(1)
  expect(seen.get('lora_store_retry_budget{store="objects"}')).toBe(health().retryBudget)
  expect(seen.get('lora_store_places{store="objects",group="meta"}')).toBe(64)
  expect(seen.has('process_resident_memory_bytes')).toBe(true)
})

it('has a series for everything that can be told', async () => {
  const metrics = createStoreMetrics()
  const tell = metrics.telemetry('state')
  const about = { group: 'data', operation: 'get' } as const
  tell({ event: 'queued', ...about, waitedMs: 1500, waiting: 3 })
  tell({ event: 'retry-denied', ...about, budget: 0 })
  tell({ event: 'body-failed', resumed: true, deliveredBytes: 1, message: 'reset' })
  tell({ event: 'settled', ...about, verdict: 'landed' })
  const idle = { circuit: 'half-open', retryAfterMs: 0, running: 1, waiting: 2, places: 3 } as const
  const health: StoreHealth = {
    data: idle,
    meta: idle,
    list: idle,
    parts: { running: 4, waiting: 5, places: 6 },
    retryBudget: 7,
  }
  const seen = series(await metrics.text({ state: health }))
  expect(seen.get('lora_store_queue_seconds_sum{store="state",group="data"}')).toBe(1.5)
  expect(seen.get('lora_store_retries_denied_total{store="state",group="data",operation="get"}')).toBe(1)
  expect(seen.get('lora_store_body_failures_total{store="state",resumed="true"}')).toBe(1)
  expect(seen.get('lora_store_settled_total{store="state",operation="get",verdict="landed"}')).toBe(1)
  expect(seen.get('lora_store_circuit{store="state",group="meta"}')).toBe(1)
  expect(seen.get('lora_store_running{store="state",group="meta"}')).toBe(1)
  expect(seen.get('lora_store_waiting{store="state",group="meta"}')).toBe(2)
  expect(seen.get('lora_store_places{store="state",group="meta"}')).toBe(3)
  expect(seen.get('lora_store_waiting{store="state",group="parts"}')).toBe(5)
  expect(seen.has('lora_store_circuit{store="state",group="parts"}')).toBe(false)
})

it('counts bytes of exports as they go, and downloads as they end', async () => {
  const { exports, text } = createStoreMetrics()
  exports.delivered(1000)
  exports.delivered(24)
  exports.ended('complete')
  exports.ended('left')
  exports.ended('left')
  const seen = series(await text({}))
  expect(seen.get('lora_export_bytes_total')).toBe(1024)
  expect(seen.get('lora_export_downloads_total{outcome="complete"}')).toBe(1)
  expect(seen.get('lora_export_downloads_total{outcome="left"}')).toBe(2)
})
