import { expect, it } from 'vitest'
import { readConfig } from '../../src/app/config.ts'
import { settingsWarnings } from '../../src/app/settings-warnings.ts'

const warned = (environment: Record<string, string>) => settingsWarnings(environment, readConfig(environment))
const s3 = { S3_BUCKET: 'b', S3_REGION: 'EU-RO-1', AWS_ACCESS_KEY_ID: 'user_a', AWS_SECRET_ACCESS_KEY: 'rps_b' }

it('names that nobody knows, and those of a store that is not used, are one line, without their values', () => {
  const canary = 'canary-5f1c'
  const given = {
    STORE: 'memory',
    S3_BUCKET: canary,
    S3_PREFIX: 'a',
    STORE_RETRY_MAX: canary,
    S3_ENDPOINT: canary,
    PATH: 'x',
  }
  const warnings = warned({ ...given, STATE_S3_REGION: canary })
  expect(warnings).toEqual([
    {
      event: 'settings-without-effect',
      fields: {
        store: 'memory',
        unknown: ['S3_ENDPOINT', 'STORE_RETRY_MAX'],
        unused: ['S3_BUCKET', 'STATE_S3_REGION'],
      },
    },
  ])
  expect(warned({})).toEqual([])
  expect(warned(s3)).toEqual([])
})

it('S3_PRESIGN=always at RunPod has no effect, and that is said', () => {
  const runPod = { ...s3, S3_ENDPOINT_URL: 'https://s3api-eu-ro-1.runpod.io' }
  expect(warned({ ...runPod, S3_PRESIGN: 'always' })).toMatchObject([{ event: 'presign-without-effect' }])
  expect(warned(runPod)).toEqual([])
})

it('a token that can be guessed is told', () => {
  expect(warned({ API_TOKENS: 'short=read' })).toMatchObject([{ event: 'short-api-token' }])
  expect(warned({ API_TOKENS: 'long-enough-0123=read' })).toEqual([])
})
