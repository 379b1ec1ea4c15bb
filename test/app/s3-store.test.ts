import { describe, expect, it } from 'vitest'
import { callTimes, defaultSettings } from '../../src/adapters/resilience/settings.ts'
import { createSystemClock } from '../../src/adapters/system/clock.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { readConfig } from '../../src/app/config.ts'
import { storeDoubts } from '../../src/app/runpod-settings.ts'
import { openS3 } from '../../src/app/s3-store.ts'

const runPod = 'https://s3api-eu-ro-1.runpod.io'
const access = { S3_BUCKET: 'b', S3_REGION: 'EU-RO-1', AWS_ACCESS_KEY_ID: 'user_a', AWS_SECRET_ACCESS_KEY: 'rps_b' }

function opened(environment: Record<string, string>) {
  const { s3 } = readConfig({ ...access, ...environment })
  if (s3 === undefined) throw new Error('no bucket')
  return openS3(s3, { ids: createIds(), clock: createSystemClock() })
}

describe('links of the store itself', () => {
  it.each([
    [{}, true],
    [{ S3_PRESIGN: 'never' }, false],
    [{ S3_ENDPOINT_URL: 'https://a.r2.cloudflarestorage.com' }, true],
    [{ S3_ENDPOINT_URL: 'https://s3.us-west-004.backblazeb2.com' }, true],
    [{ S3_ENDPOINT_URL: 'https://storage.googleapis.com' }, true],
    [{ S3_ENDPOINT_URL: 'http://minio:9000' }, false],
    [{ S3_ENDPOINT_URL: 'http://minio:9000', S3_PROFILE: 'minio' }, false],
    [{ S3_ENDPOINT_URL: 'http://minio:9000', S3_PROFILE: 'minio', S3_PRESIGN: 'always' }, true],
    [{ S3_ENDPOINT_URL: 'http://rgw:7480', S3_PROFILE: 'ceph', S3_PRESIGN: 'always' }, true],
    [{ S3_ENDPOINT_URL: runPod }, false],
    [{ S3_ENDPOINT_URL: runPod, S3_PRESIGN: 'always' }, false],
  ])('with %o are given out: %s', (environment, given) => {
    const { links, ownLinksBecause } = opened(environment)
    expect(links !== undefined).toBe(given)
    expect(ownLinksBecause === undefined).toBe(given)
  })
})

describe('at RunPod', () => {
  it('few parts are under way at once, and no attempt outlives its proxy', () => {
    expect(opened({ S3_ENDPOINT_URL: runPod }).resilience).toEqual({
      partsAtOnce: 4,
      sendAttemptMaxMs: 110_000,
      completeAttemptMaxMs: 110_000,
    })
    expect(opened({}).resilience).toEqual({})
    const times = (environment: Record<string, string>) =>
      callTimes({ ...defaultSettings, ...opened(environment).resilience }).completing(10 * 2 ** 30)
    expect(times({ S3_ENDPOINT_URL: runPod })).toEqual({ attemptMs: 110_000, deadlineMs: 1_580_000 })
    expect(times({})).toEqual({ attemptMs: 1_390_000, deadlineMs: 1_580_000 })
  })

  it('credentials of another shape are doubted, and not refused', () => {
    const doubts = (environment: Record<string, string>) => storeDoubts(readConfig({ ...access, ...environment }))
    expect(doubts({ S3_ENDPOINT_URL: runPod })).toEqual([])
    expect(doubts({ AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'x' })).toEqual([])
    const odd = {
      S3_ENDPOINT_URL: 'https://other.runpod.io',
      AWS_ACCESS_KEY_ID: 'canary1',
      AWS_SECRET_ACCESS_KEY: 'canary2',
    }
    expect(doubts(odd).map(({ store }) => store)).toEqual(['objects', 'objects', 'objects'])
    expect(JSON.stringify(doubts(odd))).not.toContain('canary')
  })
})
