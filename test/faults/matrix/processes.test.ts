import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, type TestContext, vi } from 'vitest'
import { startService } from '../../app/started-process.ts'
import { type FakeS3, startFakeS3 } from '../fake-s3/fake-s3.ts'
import type { Operation } from '../fake-s3/request.ts'
import { createRandom, type Random, seedFor } from '../random.ts'
import { type FaultProxy, startFaultProxy } from '../tcp-proxy.ts'
import { eventually } from './eventually.ts'
import { type Answer, ask, askJson } from './http-client.ts'
import { isWanted, seeds } from './run-rows.ts'

// Rows 33 and 34: what a service leaves behind that is killed, or told to stop, at any moment. A process of its own on the
// fake, so that nothing in memory survives.

const MiB = 2 ** 20
const prefix = 'killed'
const subjectKey = `${prefix}/files/subject.bin`
const stateKey = `${prefix}/processes/state/p.json`

interface Stage {
  readonly fake: FakeS3
  readonly proxy: FaultProxy
  readonly random: Random
  start(): ReturnType<typeof startService>
}

async function startStage(name: string, seed: number, { onTestFinished }: TestContext): Promise<Stage> {
  const fake = await startFakeS3({ profile: 'aws', seed })
  const proxy = await startFaultProxy({ target: fake.origin, seed: seedFor(seed, name) })
  onTestFinished(async () => {
    await proxy.stop()
    await fake.stop()
  })
  return {
    fake,
    proxy,
    random: createRandom(seedFor(seed, name)),
    start: () =>
      startService(
        {
          S3_ENDPOINT_URL: proxy.origin,
          S3_REGION: fake.region,
          S3_BUCKET: fake.bucket,
          S3_PREFIX: prefix,
          AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
        },
        onTestFinished,
      ),
  }
}

const isDone = ({ status, ending }: Answer) => status >= 200 && status < 300 && ending === 'clean'
const report = (origin: string, seq: number) =>
  askJson(`${origin}/v1/processes/p/reports`, 'POST', {
    ...{ worker: 'rig', attempt: 1, seq, status: 'running', step: seq },
  })

interface Moment {
  readonly event: 'asked' | 'answered'
  readonly operation: Operation
  readonly nth: number
  /** Of the object that it is about. */
  readonly key: RegExp
}

const both = (operation: Operation, nth: number, key: RegExp): Moment[] =>
  (['asked', 'answered'] as const).map((event) => ({ event, operation, nth, key }))

const ofUploads: readonly Moment[] = [
  ...both('CreateMultipartUpload', 1, /subject/),
  ...both('UploadPart', 1, /subject/),
  ...both('UploadPart', 3, /subject/),
  ...both('CompleteMultipartUpload', 1, /subject/),
  // Its checksums are noted last.
  ...both('PutObject', 1, /\/records\//),
]
const ofState = both('PutObject', 1, /\/processes\//)

/** At that moment, or a little after it. */
function killAt({ proxy, random }: Stage, { event, operation, nth, key }: Moment, kill: () => void): void {
  const delayMs = random.pick([0, 0, 1, 3, 10])
  let seen = 0
  proxy.watch((what, exchange) => {
    if (what !== event || exchange.operation !== operation || !key.test(exchange.key ?? '')) return
    seen += 1
    if (seen !== nth) return
    if (delayMs === 0) kill()
    else setTimeout(kill, delayMs)
  })
}

/** The trials of the start are over, and the process and the object are there. */
async function prepare({ proxy }: Stage, origin: string, before: Uint8Array): Promise<void> {
  expect((await ask(`${origin}/v1/objects/files/subject.bin`, { method: 'PUT', body: before })).status).toBe(201)
  expect((await askJson(`${origin}/v1/processes`, 'POST', { id: 'p', type: 'training' })).status).toBe(201)
  expect((await report(origin, 1)).json).toMatchObject({ applied: true, version: 2 })
  const isQuiet = (busy: number) => busy === 0
  await eventually(() => proxy.connections().busy, isQuiet, 10_000)
  await pause(100)
}

const gone = ({ fake }: Stage) =>
  eventually(
    () => fake.connections(),
    (open) => open === 0,
    5_000,
  )

// A service that starts keeps a core busy.
vi.setConfig({ maxConcurrency: 3 })

describe.concurrent.each(seeds)('with the seed %d', (seed) => {
  for (const moment of ofUploads) {
    const name = `33 parts: killed when the store has ${moment.event} ${moment.operation} ${moment.nth} of ${moment.key.source}`
    it.runIf(isWanted(name))(name, { timeout: 60_000 }, async (test) => {
      const stage = await startStage(name, seed, test)
      const { fake, random } = stage
      const [before, sent] = [random.bytes(5_000), random.bytes(17 * MiB)]
      const service = stage.start()
      const origin = await service.url
      await prepare(stage, origin, before)
      killAt(stage, moment, () => service.kill('SIGKILL'))
      const answer = await ask(`${origin}/v1/objects/files/subject.bin`, { method: 'PUT', body: sent })
      await service.ended
      expect(await gone(stage), 'connections of the dead').toBe(0)

      const stored = Buffer.from(fake.object(subjectKey)?.body ?? [])
      if (isDone(answer)) expect(stored.equals(Buffer.from(sent)), 'I1').toBe(true)
      else expect(stored.equals(Buffer.from(before)) || stored.equals(Buffer.from(sent)), 'I2').toBe(true)

      const again = await stage.start().url
      const url = `${again}/v1/objects/files/subject.bin`
      expect((await ask(url)).body.equals(stored)).toBe(true)
      expect((await ask(url, { method: 'PUT', body: sent })).status).toBe(200)
      expect(Buffer.from(fake.object(subjectKey)?.body ?? []).equals(Buffer.from(sent))).toBe(true)
      // Of what was killed, no more than one upload is left over.
      expect(fake.openUploads().length).toBeLessThanOrEqual(1)
      expect((await report(again, 2)).json).toMatchObject({ applied: true, version: 3 })
    })
  }

  for (const moment of ofState) {
    const name = `33 state: killed when the store has ${moment.event} ${moment.operation}`
    it.runIf(isWanted(name))(name, { timeout: 60_000 }, async (test) => {
      const stage = await startStage(name, seed, test)
      const { fake } = stage
      const service = stage.start()
      const origin = await service.url
      await prepare(stage, origin, new Uint8Array(1))
      killAt(stage, moment, () => service.kill('SIGKILL'))
      const answer = await report(origin, 2)
      await service.ended
      expect(await gone(stage), 'connections of the dead').toBe(0)
      const version = () =>
        (JSON.parse(Buffer.from(fake.object(stateKey)?.body ?? []).toString()) as { version: number }).version
      expect(version(), 'I6').toBeGreaterThanOrEqual(isDone(answer) ? 3 : 2)

      // Said once more, it is there exactly once.
      const again = await stage.start().url
      expect((await report(again, 2)).status).toBe(200)
      expect(version(), 'I6').toBe(3)
      expect((await report(again, 3)).json).toMatchObject({ applied: true, version: 4 })
      const documents = new Set(fake.commits.filter(({ key }) => key === stateKey).map(({ etag }) => etag))
      expect(documents.size, 'I6: one winner for each version').toBe(4)
    })
  }

  const name = '34 all: SIGTERM under load'
  it.runIf(isWanted(name))(name, { timeout: 60_000 }, async (test) => {
    const stage = await startStage(name, seed, test)
    const { fake, proxy, random } = stage
    const service = stage.start()
    const origin = await service.url
    const read = random.bytes(2 * MiB)
    await prepare(stage, origin, read)
    const aim = { direction: 'up', operation: 'PutObject', which: 'every' } as const
    proxy.add(aim, { toxic: 'latency', delayMs: 100, jitterMs: 200 })
    const reading = { direction: 'down', operation: 'GetObject', which: 'every' } as const
    proxy.add(reading, { toxic: 'latency', delayMs: 100, jitterMs: 200 })

    const sent = new Map<string, Uint8Array>()
    const puts = new Map<string, Promise<Answer>>()
    const gets: Promise<Answer>[] = []
    const reports: ReturnType<typeof report>[] = []
    for (let i = 0; i < 40; i++) {
      const key = `files/load-${i}`
      // One of eight goes in parts.
      const sizeBytes = i % 8 === 7 ? 9 * MiB : random.integer(1, 300_000)
      sent.set(key, random.bytes(sizeBytes))
      puts.set(key, ask(`${origin}/v1/objects/${key}`, { method: 'PUT', body: sent.get(key) ?? '' }))
      if (i % 2 === 0) gets.push(ask(`${origin}/v1/objects/files/subject.bin`))
      if (i % 8 === 0) reports.push(report(origin, 2 + i / 8))
      await pause(10)
    }
    const stoppedAtMs = performance.now()
    service.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    expect(performance.now() - stoppedAtMs).toBeLessThan(30_000)

    let acknowledged = 0
    for (const [key, putting] of puts) {
      const answer = await putting
      const stored = fake.object(`${prefix}/${key}`)?.body
      const isSent = stored !== undefined && Buffer.compare(stored, sent.get(key) ?? new Uint8Array()) === 0
      if (isDone(answer)) {
        acknowledged += 1
        expect(isSent, 'I1').toBe(true)
      } else expect(isSent || stored === undefined, 'I2').toBe(true)
    }
    expect(acknowledged).toBeGreaterThan(0)

    const downloads = (await Promise.all(gets)).filter(isDone)
    for (const { body } of downloads) expect(body.equals(Buffer.from(read)), 'I5').toBe(true)
    expect(downloads.length).toBeGreaterThan(0)

    const applied = (await Promise.all(reports)).filter(({ json }) => json.applied === true)
    const state = JSON.parse(Buffer.from(fake.object(stateKey)?.body ?? []).toString()) as { version: number }
    expect(state.version, 'I6').toBeGreaterThanOrEqual(2 + applied.length)
    expect(await gone(stage), 'connections of the dead').toBe(0)
  })
})
