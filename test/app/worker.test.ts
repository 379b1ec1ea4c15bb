import type { ExecutionContext } from '@cloudflare/workers-types'
import { expect, it, onTestFinished, vi } from 'vitest'
import worker from '../../src/app/worker.ts'
import { startFakeS3 } from '../faults/fake-s3/fake-s3.ts'

/** A Worker's module in Node: what it does before a body is sent needs nothing of workerd. */
const ask = (env: Record<string, string>, path: string) =>
  worker.fetch(new Request(`http://127.0.0.1${path}`), env, { waitUntil: () => {} } as unknown as ExecutionContext)

it('with STATE_CAS=require and a store that is away, answers 503 with Retry-After, and asks the store again next time', async () => {
  const fake = await startFakeS3({ profile: 'aws' })
  onTestFinished(() => fake.stop())
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  const mend = fake.inject('any', 'every', { when: 'before-commit', answer: { status: 503 } })
  const env = {
    S3_BUCKET: fake.bucket,
    S3_ENDPOINT_URL: fake.origin,
    S3_REGION: fake.region,
    AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
    LINK_SECRETS: `k1:${Buffer.alloc(32).toString('base64')}`,
    STATE_CAS: 'require',
    STORE_RETRIES_MAX: '0',
  }
  const answer = await ask(env, '/v1/datasets')
  expect(answer.status).toBe(503)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await answer.json()).toMatchObject({ code: 'store-unavailable', status: 503 })
  expect(said.mock.calls.flat().join('\n')).toContain('"event":"request-failed"')
  expect(await ask(env, '/v1/datasets')).toMatchObject({ status: 503 })

  const asked = fake.count()
  expect(await ask(env, '/livez')).toMatchObject({ status: 200 })
  expect(fake.count()).toBe(asked)

  mend()
  expect(await ask(env, '/v1/datasets')).toMatchObject({ status: 200 })
})
