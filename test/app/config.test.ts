import { describe, expect, it } from 'vitest'
import { settingsTable } from '../../src/adapters/resilience/settings.ts'
import { dialectNames } from '../../src/adapters/s3/dialect.ts'
import { retryAfterMaxMs } from '../../src/adapters/s3/retry-after.ts'
import { InvalidConfig, isLoopback, readConfig } from '../../src/app/config.ts'

const MiB = 2 ** 20
const secret = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const s3 = { S3_BUCKET: 'b', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', S3_REGION: 'eu-1' }

/** The names of the variables that are refused, in no particular order. */
function refused(environment: Record<string, unknown>): string[] {
  return problemsOf(environment)
    .map((problem) => problem.split(':')[0] ?? '')
    .sort()
}

function problemsOf(environment: Record<string, unknown>): readonly string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error
    for (const problem of error.problems) expect(error.message).toContain(problem)
    return error.problems
  }
  return []
}

describe('without any variable', () => {
  it('the service keeps its data in a folder and listens on this machine alone', () => {
    expect(readConfig({})).toEqual({
      port: 8787,
      host: '127.0.0.1',
      publicUrl: undefined,
      store: 'folder',
      dataDir: './data',
      prefix: 'lora-dashboard',
      s3: undefined,
      stateS3: undefined,
      stateCas: 'auto',
      apiTokens: [],
      linkSecrets: [],
      corsOrigins: [],
      dashboard: 'trusted-network',
      logLevel: 'info',
      limits: {
        maxFileBytes: 100 * MiB,
        maxFilesPerRequest: 5000,
        maxUploadBytes: 64 * 1024 * MiB,
        maxExportEntries: 100_000,
        maxExportBytes: 1024 * 1024 * MiB,
        minImageSidePx: 512,
        maxImageSidePx: 4096,
        uploadWindowBytes: 64 * MiB,
      },
      storeSettings: {},
    })
  })

  it('and with empty ones it is the same', () => {
    expect(readConfig({ PORT: '', API_TOKENS: ' ', S3_BUCKET: '', PUBLIC_URL: '\t', UNKNOWN: 'x', OTHER: 1 })).toEqual(
      readConfig({}),
    )
  })

  it('the configuration cannot be changed', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true)
  })
})

describe('the store', () => {
  it('is S3 as soon as a bucket is named, and what STORE says before that', () => {
    expect(readConfig(s3).store).toBe('s3')
    expect(readConfig({ ...s3, STORE: 'memory' })).toMatchObject({ store: 'memory', s3: undefined })
    expect(readConfig({ STORE: 'folder', DATA_DIR: '/srv/data' })).toMatchObject({
      store: 'folder',
      dataDir: '/srv/data',
    })
  })

  it('in S3 has all that a client needs', () => {
    const endpoint = { S3_ENDPOINT_URL: 'https://s3.example/', AWS_SESSION_TOKEN: 't', S3_PREFIX: 'a/b' }
    expect(readConfig({ ...s3, ...endpoint }).s3).toEqual({
      endpointUrl: 'https://s3.example',
      region: 'eu-1',
      bucket: 'b',
      prefix: 'a/b',
      accessKeyId: 'a',
      secretAccessKey: 's',
      sessionToken: 't',
      forcePathStyle: true,
      profile: 'auto',
      presign: 'auto',
    })
    expect(readConfig(s3).s3).toMatchObject({ endpointUrl: undefined, forcePathStyle: false })
    expect(readConfig({ ...s3, ...endpoint, S3_FORCE_PATH_STYLE: 'false' }).s3?.forcePathStyle).toBe(false)
    expect(readConfig({ ...s3, S3_FORCE_PATH_STYLE: '1' }).s3?.forcePathStyle).toBe(true)
  })

  it('in S3 lacks nothing, or everything that it lacks is named', () => {
    expect(refused({ STORE: 's3' })).toEqual(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'S3_BUCKET', 'S3_REGION'])
    expect(refused({ S3_BUCKET: 'b', S3_ENDPOINT_URL: 'http://s3' })).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
    ])
  })

  it('is spoken to in a dialect that may be named', () => {
    const named = { S3_ENDPOINT_URL: 'https://s3.example', S3_PROFILE: 'minio', S3_PRESIGN: 'always' }
    expect(readConfig({ ...s3, ...named }).s3).toMatchObject({ profile: 'minio', presign: 'always' })
    expect(refused({ ...s3, S3_PROFILE: 'minio' })).toEqual(['S3_ENDPOINT_URL'])
    expect(refused({ ...s3, S3_PROFILE: 'aws' })).toEqual([])
    const state = {
      STATE_S3_BUCKET: 'c',
      STATE_S3_REGION: 'x',
      STATE_S3_ACCESS_KEY_ID: 'x',
      STATE_S3_SECRET_ACCESS_KEY: 'y',
    }
    expect(readConfig({ ...state, STATE_S3_PROFILE: 'aws' }).stateS3).toMatchObject({
      profile: 'aws',
      presign: 'never',
    })
    expect(refused({ ...state, STATE_S3_PROFILE: 'ceph' })).toEqual(['STATE_S3_ENDPOINT_URL'])
  })

  it('at RunPod has the region of its endpoint, and no other', () => {
    const { S3_REGION: _, ...rest } = s3
    const runPod = { ...rest, S3_ENDPOINT_URL: 'https://s3api-eu-ro-1.runpod.io' }
    expect(readConfig(runPod).s3?.region).toBe('EU-RO-1')
    expect(readConfig({ ...runPod, S3_REGION: 'eu-ro-1' }).s3?.region).toBe('eu-ro-1')
    expect(problemsOf({ ...runPod, S3_REGION: 'us-east-1' })).toEqual([
      'S3_REGION: must be EU-RO-1, as in the endpoint, or unset',
    ])
    expect(readConfig({ ...runPod, S3_ENDPOINT_URL: 'https://new-name.runpod.io', S3_REGION: 'x' }).s3?.region).toBe(
      'x',
    )
  })

  it('of the process state may be another', () => {
    const state = { STATE_S3_BUCKET: 'c', STATE_S3_ACCESS_KEY_ID: 'x', STATE_S3_SECRET_ACCESS_KEY: 'y' }
    expect(readConfig({ ...state, STATE_S3_ENDPOINT_URL: 'http://state' })).toMatchObject({
      store: 'folder',
      stateS3: {
        bucket: 'c',
        accessKeyId: 'x',
        secretAccessKey: 'y',
        endpointUrl: 'http://state',
        forcePathStyle: true,
      },
    })
    expect(refused({ STATE_S3_BUCKET: 'c' })).toEqual([
      'STATE_S3_ACCESS_KEY_ID',
      'STATE_S3_REGION',
      'STATE_S3_SECRET_ACCESS_KEY',
    ])
  })

  it.each(['', 'a//b', '/a', 'a/', '..', 'a/../b', '.', 'a b', 'ä', 'a\\b'])('has no prefix %j', (prefix) => {
    expect(refused({ S3_PREFIX: prefix })).toEqual(prefix === '' ? [] : ['S3_PREFIX'])
  })
})

describe('tokens', () => {
  it('each have their scopes', () => {
    const given = 'reader-0123456789=read, writer=0123456789=write+worker,keeper-0123456789=admin'
    expect(readConfig({ API_TOKENS: given }).apiTokens).toEqual([
      { token: 'reader-0123456789', scopes: ['read'] },
      { token: 'writer=0123456789', scopes: ['write', 'worker'] },
      { token: 'keeper-0123456789', scopes: ['admin'] },
    ])
  })

  it.each([
    'reader-0123456789',
    'reader-0123456789=',
    'reader-0123456789=all',
    'reader-0123456789=read+',
    '=read',
    'a,b',
  ])('are refused as %s', (given) => {
    expect(new Set(refused({ API_TOKENS: given }))).toEqual(new Set(['API_TOKENS']))
  })

  it('switch the dashboard off, unless it is switched on by name', () => {
    const tokens = { API_TOKENS: 'reader-0123456789=read' }
    expect(readConfig(tokens).dashboard).toBe('off')
    expect(readConfig({ ...tokens, DASHBOARD: 'trusted-network' }).dashboard).toBe('trusted-network')
    expect(readConfig({ DASHBOARD: 'off' }).dashboard).toBe('off')
    expect(refused({ DASHBOARD: 'on' })).toEqual(['DASHBOARD'])
  })

  it('are demanded when others can reach the service', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '128.0.0.1', '127.evil.example']) {
      expect([host, refused({ HOST: host })]).toEqual([host, ['HOST']])
      expect(readConfig({ HOST: host, API_TOKENS: 'reader-0123456789=read' }).host).toBe(host)
    }
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1'])
      expect(readConfig({ HOST: host }).host).toBe(host)
  })

  it('are not demanded for names of this machine', () => {
    expect(['127.0.0.1', 'localhost', '::1', '[::1]'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '', '127.0.0.1.evil.example', 'localhost.evil.example', '::'].some(isLoopback)).toBe(false)
  })
})

describe('link secrets', () => {
  it('are bytes by key id, the first first', () => {
    const { linkSecrets } = readConfig({ LINK_SECRETS: `new:${secret(1)}, old:${secret(2)}` })
    expect(linkSecrets.map(({ keyId }) => keyId)).toEqual(['new', 'old'])
    expect(linkSecrets.map((one) => [...new Set(one.secret)])).toEqual([[1], [2]])
    expect(linkSecrets[0]?.secret).toHaveLength(32)
  })

  it.each([secret(1), `:${secret(1)}`, `a b:${secret(1)}`, 'k:***', 'k:', `k:${Buffer.alloc(31).toString('base64')}`])(
    'are refused as %s',
    (given) => {
      expect(refused({ LINK_SECRETS: given })).toEqual(['LINK_SECRETS'])
    },
  )
})

describe('origins', () => {
  it('are taken as a browser sends them', () => {
    const origins = ['https://dashboard.example', 'http://localhost:4200']
    expect(readConfig({ CORS_ORIGINS: origins.join(' , ') }).corsOrigins).toEqual(origins)
  })

  it.each([
    '*',
    'null',
    'dashboard.example',
    'https://a.example/',
    'https://a.example/path',
    'https://A.example',
    'file:///a',
    'https://a.example:443',
  ])('are refused as %s', (given) => {
    expect(refused({ CORS_ORIGINS: given })).toEqual(['CORS_ORIGINS'])
  })
})

describe('what is wrong', () => {
  it.each([
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PUBLIC_URL', 'example.org'],
    ['PUBLIC_URL', 'ftp://example.org'],
    ['STORE', 'disk'],
    ['STATE_CAS', 'never'],
    ['LOG_LEVEL', 'loud'],
    ['MAX_FILE_BYTES', '0'],
    ['MAX_FILE_BYTES', '1e400'],
    ['MAX_FILES_PER_REQUEST', 'many'],
    ['UPLOAD_WINDOW_BYTES', '1'],
    ['MIN_IMAGE_SIDE_PX', '5000'],
    ['S3_FORCE_PATH_STYLE', 'yes'],
    ['S3_PROFILE', 'azure'],
    ['S3_PRESIGN', 'yes'],
    ['STATE_S3_PROFILE', 'azure'],
  ])('is named: %s=%s', (name, value) => {
    expect(refused({ [name]: value })).toEqual([name])
  })

  it('is told with what is allowed', () => {
    expect(problemsOf({ STORE: 'disk', S3_FORCE_PATH_STYLE: 'yes', PORT: '99999', STORE_RETRIES_MAX: '-1' })).toEqual([
      'PORT: must be a whole number from 0 to 65535',
      'STORE: must be one of folder, s3, memory, r2',
      'S3_FORCE_PATH_STYLE: must be one of true, false, 1, 0',
      'STORE_RETRIES_MAX: must be a whole number from 0 to 20',
    ])
  })

  it('is told all at once, single variables and what they lack together', () => {
    const found = refused({
      PORT: 'x',
      HOST: '0.0.0.0',
      STORE: 's3',
      S3_PREFIX: '..',
      CORS_ORIGINS: '*',
      LINK_SECRETS: 'x',
      LOG_LEVEL: 'loud',
      MIN_IMAGE_SIDE_PX: '9',
      MAX_IMAGE_SIDE_PX: '8',
    })
    expect(found).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'CORS_ORIGINS',
      'HOST',
      'LINK_SECRETS',
      'LOG_LEVEL',
      'MIN_IMAGE_SIDE_PX',
      'PORT',
      'S3_BUCKET',
      'S3_PREFIX',
      'S3_REGION',
    ])
  })

  it('is told without quoting a secret', () => {
    const canary = 'canary5f1cabcdefghijklmnop'
    const problems = problemsOf({
      PORT: 'x',
      API_TOKENS: `${canary}=all,${canary},${canary.slice(0, 12)}=read`,
      LINK_SECRETS: `k1:${canary},${canary}`,
      STORE: 's3',
      AWS_ACCESS_KEY_ID: canary,
      AWS_SECRET_ACCESS_KEY: canary,
      AWS_SESSION_TOKEN: canary,
      S3_ENDPOINT_URL: `ftp://user:${canary}@s3.example`,
      CORS_ORIGINS: `https://user:${canary}@a.example`,
    })
    expect(problems.length).toBeGreaterThanOrEqual(6)
    expect(problems.filter((problem) => problem.includes(canary.slice(0, 10)))).toEqual([])
  })
})

describe('the limits of the guard around the store', () => {
  it('are read one by one, and what is unset stays unset', () => {
    const { storeSettings } = readConfig({ STORE_BODY_IDLE_MS: '5000', STORE_CIRCUIT_FAILURES_MAX: '0.5' })
    expect(storeSettings).toEqual({ bodyIdleMs: 5000, circuitFailuresMax: 0.5 })
  })

  it('are refused out of their bounds, in fractions of a whole, and where one contradicts another', () => {
    const wrong = { STORE_RETRIES_MAX: '21', STORE_CIRCUIT_FAILURES_MAX: '1', STORE_DATA_AT_ONCE: '1.5' }
    expect(refused(wrong)).toEqual(Object.keys(wrong).sort())
    expect(problemsOf({ STORE_META_ATTEMPT_MS: '60000', STORE_META_DEADLINE_MS: '30000' })).toEqual([
      'STORE_META_ATTEMPT_MS: 60000 must be below STORE_META_DEADLINE_MS, which is 30000',
    ])
    expect(refused({ STORE_META_ATTEMPT_MS: '60000', STORE_META_DEADLINE_MS: '70000' })).toEqual([])
  })

  it('say which default is in the way of a value that is set alone, and what to set beside it', () => {
    expect(problemsOf({ STORE_META_ATTEMPT_MS: '60000' })).toEqual([
      'STORE_META_ATTEMPT_MS: 60000 must be below STORE_META_DEADLINE_MS, which is 30000 by default: set STORE_META_DEADLINE_MS above 60000, too',
    ])
    expect(problemsOf({ STORE_SEND_ATTEMPT_MAX_MS: '20000', STORE_CIRCUIT_CALLS: '5' })).toEqual([
      'STORE_SEND_ATTEMPT_MAX_MS: 20000 must not be below STORE_SEND_ATTEMPT_MIN_MS, which is 30000 by default: set STORE_SEND_ATTEMPT_MIN_MS to 20000 or less, too',
      'STORE_CIRCUIT_CALLS: 5 must not be below STORE_CIRCUIT_CALLS_MIN, which is 10 by default: set STORE_CIRCUIT_CALLS_MIN to 5 or less, too',
    ])
    expect(refused({ STORE_CIRCUIT_CALLS: '5', STORE_CIRCUIT_CALLS_MIN: 'few' })).toEqual(['STORE_CIRCUIT_CALLS_MIN'])
  })

  it('leave an attempt less time than all attempts together, so that it is seen to fail before nobody waits for it', () => {
    for (const [group, deadlineMs] of Object.entries({
      META: 30000,
      LIST: 300000,
      OPEN: 90000,
      COMPLETE: 300000,
      PROBE: 120000,
    })) {
      const names = { attempt: `STORE_${group}_ATTEMPT_MS`, deadline: `STORE_${group}_DEADLINE_MS` }
      expect(refused({ [names.attempt]: `${deadlineMs}` })).toEqual([names.attempt])
      expect(refused({ [names.attempt]: '1000', [names.deadline]: '1000' })).toEqual([names.attempt])
      expect(refused({ [names.attempt]: '1000', [names.deadline]: '1001' })).toEqual([])
      expect(problemsOf({ [names.deadline]: '1000' })[0]).toMatch(
        /^STORE_\w+_DEADLINE_MS: 1000 must be above STORE_\w+_ATTEMPT_MS, which is \d+ by default: set STORE_\w+_ATTEMPT_MS below 1000, too$/,
      )
    }
    expect(refused({ STORE_SEND_ATTEMPTS: '1' })).toEqual(['STORE_SEND_ATTEMPTS'])
  })

  it('obey a store that asks to be left alone for no longer than its adapter lets it ask', () => {
    expect(settingsTable.retryAfterMaxMs.max).toBe(retryAfterMaxMs)
    expect(refused({ STORE_RETRY_AFTER_MAX_MS: `${retryAfterMaxMs}` })).toEqual([])
    expect(refused({ STORE_RETRY_AFTER_MAX_MS: `${retryAfterMaxMs + 1}` })).toEqual(['STORE_RETRY_AFTER_MAX_MS'])
  })

  it('have a budget that pays for one retry at least', () => {
    expect(problemsOf({ STORE_BUDGET: '7' })).toEqual([
      'STORE_BUDGET: 7 must not be below STORE_BUDGET_PER_THROTTLED_RETRY, which is 10 by default: set STORE_BUDGET_PER_THROTTLED_RETRY to 7 or less, too',
    ])
    expect(refused({ STORE_BUDGET_PER_RETRY: '101' })).toEqual(['STORE_BUDGET_PER_RETRY'])
    expect(refused({ STORE_BUDGET: '10' })).toEqual([])
    expect(refused({ STORE_BUDGET: '0', STORE_BUDGET_PER_RETRY: '0', STORE_BUDGET_PER_THROTTLED_RETRY: '0' })).toEqual(
      [],
    )
  })

  it('are compared with the values of the profile that is in force, of either store', () => {
    const given = { STORE_SEND_ATTEMPT_MIN_MS: '115000' }
    const runPod = { ...s3, S3_ENDPOINT_URL: 'https://s3.example', S3_PROFILE: 'runpod' }
    const message =
      'STORE_SEND_ATTEMPT_MIN_MS: 115000 must not be above STORE_SEND_ATTEMPT_MAX_MS, which is 110000 by the profile runpod: set STORE_SEND_ATTEMPT_MAX_MS to 115000 or more, too'
    expect(problemsOf({ ...runPod, ...given })).toEqual([message])
    const state = {
      STATE_S3_BUCKET: 'c',
      STATE_S3_ENDPOINT_URL: 'https://s3api-eu-ro-1.runpod.io',
      STATE_S3_ACCESS_KEY_ID: 'x',
      STATE_S3_SECRET_ACCESS_KEY: 'y',
    }
    expect(problemsOf({ ...state, ...given })).toContain(message)
    expect(refused({ ...runPod, ...given, STORE_SEND_ATTEMPT_MAX_MS: '115000' })).toEqual([])
  })

  it('never refuse what nobody has set, whatever the profile', () => {
    for (const profile of dialectNames) {
      const named = { ...s3, S3_ENDPOINT_URL: 'https://s3.example', S3_PROFILE: profile }
      expect(refused(named)).toEqual([])
      // Parts have places of their own, so neither number bounds the other.
      expect(refused({ ...named, STORE_DATA_AT_ONCE: '2' })).toEqual([])
      expect(refused({ ...named, STORE_PARTS_AT_ONCE: '100' })).toEqual([])
    }
  })
})
