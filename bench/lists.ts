// What a poll of the dashboard's lists costs with many processes and results: cold, warm and after one change, for one tab and
// for twenty, against asking for each document and each file as the backend before this one did. Prints a Markdown table.
import { Hono } from 'hono'
import { createMemoryObjectStore } from '../src/adapters/memory/object-store.ts'
import { createDigests } from '../src/adapters/node-crypto/digests.ts'
import { createSystemClock } from '../src/adapters/system/clock.ts'
import { createIds } from '../src/adapters/web-crypto/ids.ts'
import type { AppEnv } from '../src/app/http/context.ts'
import { listCalls } from '../src/app/http/dashboard/lists.ts'
import { createLists } from '../src/domain/lists.ts'
import { createLedger } from '../src/domain/process/create-ledger.ts'
import { createProcess } from '../src/domain/process/create-process.ts'
import { processId, stateKey } from '../src/domain/process/process-state.ts'
import { cancelProcess } from '../src/domain/process/steer-process.ts'
import { parseObjectKey } from '../src/ports/object-key.ts'
import type { ObjectStore } from '../src/ports/object-store.ts'

const given = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at === -1 ? fallback : Number(process.argv[at + 1])
}
const processes = given('processes', 2000)
const results = given('results', 20_000)
const latencyMs = given('latency', 5)
const polls = given('polls', 20)
/** Of the way before, which is slow, only so many calls are made, and the rest is reckoned. */
const sampled = Math.min(200, processes, results)

const { signal } = new AbortController()
const options = { signal, idempotencyKey: undefined }
const clock = createSystemClock()
const digests = createDigests()
const log = { debug() {}, info() {}, warn() {}, error() {} }
const memory = createMemoryObjectStore(clock)
let calls = 0
let delayed = false

const slow: ObjectStore = { ...memory }
for (const name of ['get', 'head', 'list', 'put'] as const) {
  const call = memory[name] as (...args: unknown[]) => Promise<unknown>
  Object.assign(slow, {
    async [name](...args: unknown[]) {
      calls += 1
      if (delayed) await clock.sleep(latencyMs, signal)
      return call(...args)
    },
  })
}

const ids = createIds()
const ledger = createLedger({ store: slow, clock, ids, digests, log, inTurn: undefined })
const deps = { ledger, clock, ids, digests }
const idOf = (nth: number) => processId(`job_${nth}`)
const keyOf = (nth: number) => parseObjectKey(`results/job_${nth % processes}/images/${nth}.png`)
const config = { config: { name: 'x', process: [{ trigger_word: 'ohwx', train: { steps: 1000 } }] } }
for (let i = 0; i < processes; i++) {
  await createProcess(deps, { id: idOf(i), type: 'training', name: `job ${i}`, config, dataset: undefined }, options)
}
for (let i = 0; i < results; i++) {
  await memory.put(keyOf(i), new Uint8Array(1), { contentType: 'image/png', when: 'always', signal })
}
delayed = true

function openApp() {
  const app = new Hono<AppEnv>()
  app.use(async (c, next) => {
    c.set('signal', signal)
    await next()
  })
  const own = createLedger({ store: slow, clock, ids, digests, log, inTurn: undefined })
  const lists = createLists({ ledger: own, store: slow, clock, shared: true })
  for (const { method, path, answer } of listCalls({ lists, ledger: own, digests, storePrefix: 'lora-dashboard' })) {
    app.on(method, [path], answer)
  }
  return app
}

interface Measured {
  readonly calls: number
  readonly ms: readonly number[]
}

/** `tabs` who each poll so often, all at once; store calls of one round. */
async function poll(app: Hono<AppEnv>, path: string, tabs: number, rounds: number): Promise<Measured> {
  calls = 0
  const ms: number[] = []
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      Array.from({ length: tabs }, async () => {
        const startedAt = performance.now()
        const answer = await app.request(path)
        if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
        await answer.arrayBuffer()
        ms.push(performance.now() - startedAt)
      }),
    )
    // As polls do: the next comes when nobody looks any more.
    await clock.sleep(250, signal)
  }
  return { calls: calls / rounds, ms: ms.toSorted((a, b) => a - b) }
}

const row = (what: string, { calls: made, ms }: Measured) => {
  const at = (share: number) => Math.round(ms[Math.min(ms.length - 1, Math.floor(share * ms.length))] ?? 0)
  console.log(`| ${what} | ${Math.round(made)} | ${at(0.5)} | ${at(0.99)} |`)
}

/** One call after the other, reckoned for all. */
async function before(what: string, total: number, call: (nth: number) => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  for (let i = 0; i < sampled; i++) await call(i)
  const ms = ((performance.now() - startedAt) / sampled) * total
  row(`${what}, one call each (reckoned from ${sampled})`, { calls: total, ms: [ms] })
}

console.log(`${processes} processes, ${results} results, ${latencyMs} ms a call of the store\n`)
console.log('| poll | store calls | p50, ms | p99, ms |\n|---|---:|---:|---:|')
for (const path of ['/processes', '/files/list']) {
  const app = openApp()
  row(`GET ${path}, cold`, await poll(app, path, 1, 1))
  row(`GET ${path}, nothing changed`, await poll(app, path, 1, polls))
  row(`GET ${path}, twenty tabs`, await poll(app, path, 20, polls))
  if (path === '/processes') {
    await cancelProcess(deps, idOf(1), options)
    row(`GET ${path}, one changed`, await poll(app, path, 1, 1))
  }
}
await before('processes as before', processes, (nth) => slow.get(stateKey(idOf(nth)), { signal }))
await before('files as before', results, (nth) => slow.head(keyOf(nth), { signal }))
process.exit()
