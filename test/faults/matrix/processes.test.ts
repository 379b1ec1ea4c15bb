import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startService } from '../../app/service-process.ts'
import { type FakeS3, startFakeS3 } from '../fake-s3/fake-s3.ts'
import { createRandom, seedFor } from '../random.ts'
import { type FaultProxy, startFaultProxy } from '../tcp-proxy.ts'
import { eventually } from './eventually.ts'
import { type Answer, ask, askJson } from './http-client.ts'

// Rows 33 and 34: what a service leaves behind that is killed, or told to stop, at any moment. A process of its own on the
// fake, so that nothing in memory survives.

const seed = Number(process.env.FAULT_SEED ?? 1)
const MiB = 2 ** 20
const prefix = 'killed'

async function startStore(
  name: string,
): Promise<{ fake: FakeS3; proxy: FaultProxy; start: () => ReturnType<typeof startService> }> {
  const fake = await startFakeS3({ profile: 'aws', seed })
  const proxy = await startFaultProxy({ target: fake.origin, seed: seedFor(seed, name) })
  onTestFinished(async () => {
    await proxy.stop()
    await fake.stop()
  })
  const start = () =>
    startService({
      S3_ENDPOINT_URL: proxy.origin,
      S3_REGION: fake.region,
      S3_BUCKET: fake.bucket,
      S3_PREFIX: prefix,
      AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
    })
  return { fake, proxy, start }
}

const moments = [
  ['asked', 'CreateMultipartUpload', 1],
  ['answered', 'CreateMultipartUpload', 1],
  ['asked', 'UploadPart', 1],
  ['answered', 'UploadPart', 1],
  ['asked', 'CompleteMultipartUpload', 1],
  ['answered', 'CompleteMultipartUpload', 1],
] as const

describe('33: kill -9', () => {
  it.each(moments)('when the store has %s %s %d', { timeout: 60_000 }, async (event, operation, nth) => {
    const { fake, proxy, start } = await startStore(`${event} ${operation}`)
    const random = createRandom(seedFor(seed, `${event} ${operation} ${nth}`))
    const service = start()
    const origin = await service.url
    const [before, sent] = [random.bytes(5_000), random.bytes(17 * MiB)]
    const url = (of: string) => `${of}/v1/objects/files/subject.bin`
    expect((await ask(url(origin), { method: 'PUT', body: before })).status).toBe(201)
    const created = await askJson(`${origin}/v1/processes`, 'POST', { id: 'p', type: 'training' })
    expect(created.status).toBe(201)
    // Trials of the start are over.
    await eventually(
      () => proxy.connections().busy,
      (busy) => busy === 0,
      10_000,
    )
    await pause(200)

    let seen = 0
    proxy.watch((what, exchange) => {
      if (what !== event || exchange.operation !== operation || ++seen !== nth) return
      service.kill('SIGKILL')
    })
    const answer = await ask(url(origin), { method: 'PUT', body: sent })
    await service.ended
    await eventually(
      () => fake.connections(),
      (open) => open === 0,
      5_000,
    )

    // Nothing was acknowledged, so one of the two is there: whole.
    expect(answer.ending).toBe('no-answer')
    const stored = Buffer.from(fake.object(`${prefix}/files/subject.bin`)?.body ?? [])
    expect(stored.equals(Buffer.from(before)) || stored.equals(Buffer.from(sent))).toBe(true)

    const again = await start().url
    expect((await ask(url(again))).body.equals(stored)).toBe(true)
    expect((await ask(url(again), { method: 'PUT', body: sent })).status).toBe(200)
    expect(Buffer.from(fake.object(`${prefix}/files/subject.bin`)?.body ?? []).equals(Buffer.from(sent))).toBe(true)
    const report = { worker: 'rig', attempt: 1, seq: 1, status: 'running' }
    const reported = await askJson(`${again}/v1/processes/p/reports`, 'POST', report)
    expect(reported.json).toMatchObject({ applied: true, version: 2 })
  })
})

it('34: SIGTERM under load loses nothing that was acknowledged, and ends', { timeout: 60_000 }, async () => {
  const { fake, proxy, start } = await startStore('sigterm')
  const random = createRandom(seedFor(seed, 'sigterm'))
  const service = start()
  const origin = await service.url
  expect((await ask(`${origin}/v1/objects/files/first`, { method: 'PUT', body: 'x' })).status).toBe(201)
  proxy.add(
    { direction: 'up', operation: 'PutObject', which: 'every' },
    { toxic: 'latency', delayMs: 100, jitterMs: 200 },
  )

  const sent = new Map<string, Uint8Array>()
  const answers = new Map<string, Promise<Answer>>()
  for (let i = 0; i < 40; i++) {
    const key = `files/load-${i}`
    sent.set(key, random.bytes(random.integer(1, 300_000)))
    answers.set(key, ask(`${origin}/v1/objects/${key}`, { method: 'PUT', body: sent.get(key) ?? '' }))
    await pause(10)
  }
  const stoppedAtMs = performance.now()
  service.kill('SIGTERM')
  expect(await service.ended).toBe(0)
  expect(performance.now() - stoppedAtMs).toBeLessThan(30_000)

  let acknowledged = 0
  for (const [key, answering] of answers) {
    const { status } = await answering
    if (status !== 201) continue
    acknowledged += 1
    const stored = Buffer.from(fake.object(`${prefix}/${key}`)?.body ?? [])
    expect(stored.equals(Buffer.from(sent.get(key) ?? []))).toBe(true)
  }
  expect(acknowledged).toBeGreaterThan(0)
})
