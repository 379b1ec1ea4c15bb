import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFolderObjectStore } from '../../../src/adapters/folder/object-store.ts'
import { StoreDenied, StoreMisbehaved, StoreUnavailable } from '../../../src/ports/errors.ts'
import { createService, linkSecret, type Service } from '../memory-service.ts'
import { exchange, type RawAnswer, rawRequest } from '../raw-http.ts'
import { hostileRequests } from './hostile-requests.ts'

const canary = 'canary-that-nobody-may-see'
const limits = { MAX_UPLOAD_BYTES: `${2 ** 20}`, MAX_FILES_PER_REQUEST: '50' }
/** Where the service writes, below the folder of the store. */
const known = /^(?:dataset|files|results|catalog|exports|records|processes|uploads|probe)\//

/** Every file below a folder with a hash of its content. */
async function snapshot(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
  const hashed = await Promise.all(
    files.map(
      async (path) =>
        [
          relative(folder, path),
          createHash('sha1')
            .update(await readFile(path))
            .digest('hex'),
        ] as const,
    ),
  )
  return new Map(hashed)
}

/** A folder store three levels down in a folder of its own, with something worth stealing on every level. */
async function folderService() {
  const outside = await mkdtemp(join(tmpdir(), 'lora-hostile-'))
  onTestFinished(() => rm(outside, { recursive: true, force: true, maxRetries: 5 }))
  const root = join(outside, 'srv', 'data', 'prefix')
  await mkdir(root, { recursive: true })
  for (const level of ['', 'srv', 'srv/data', 'srv/data/prefix']) {
    await writeFile(join(outside, level, 'canary.txt'), canary)
    await writeFile(join(outside, level, 'canary'), canary)
  }
  const stateDir = join(outside, 'srv', 'data', '.state')
  const store = createFolderObjectStore({ root, stateDir, nowMs: Date.now })
  return { outside, root, stateDir, service: createService({ store, env: limits }) }
}

function expectRefused(answer: RawAnswer): void {
  expect(answer.text).not.toContain(canary)
  // 0: the connection was closed without a word, which is an answer to what is no HTTP.
  expect(answer.status === 0 || (answer.status >= 400 && answer.status < 500)).toBe(true)
  if (answer.headers.get('content-type') !== undefined) {
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ status: answer.status, code: expect.any(String) })
    expect(answer.headers.get('x-request-id')).toBeDefined()
  }
}

/** As the length says, and nothing behind it. */
function bodyOf({ body, headers }: RawAnswer): string {
  expect(Buffer.byteLength(body, 'latin1')).toBe(Number(headers.get('content-length')))
  return body
}

async function expectAlive(port: number): Promise<void> {
  expect(await exchange(port, rawRequest('GET', '/livez'))).toMatchObject({ status: 200 })
}

describe('a hostile request', () => {
  it('is refused or cut off, writes nothing it should not, and the service lives on', async () => {
    const { service, outside, root, stateDir } = await folderService()
    const port = await service.listen()
    await expectAlive(port)
    const before = await snapshot(outside)
    const surprises: string[] = []
    for (const { name, bytes, hangUp } of hostileRequests()) {
      const answer = await exchange(port, bytes, { hangUp: hangUp ?? false })
      try {
        expectRefused(answer)
      } catch {
        surprises.push(`${name}: ${answer.text.slice(0, 400)}`)
      }
    }
    expect(surprises).toEqual([])
    await expectAlive(port)
    const after = await snapshot(outside)
    for (const [path, hash] of before) expect([path, after.get(path)]).toEqual([path, hash])
    const written = [...after.keys()].filter((path) => !before.has(path)).map((path) => join(outside, path))
    const stray = written.filter(
      (path) => !known.test(relative(root, path)) && relative(stateDir, path).startsWith('..'),
    )
    expect(stray).toEqual([])
    expect(written.filter((path) => /written|head\.txt|length\.txt|cut\.txt|canary/.test(path))).toEqual([])
  }, 120_000)

  it('leaves not one key behind in a store in memory, and no error in the log', async () => {
    const service = createService({ env: limits })
    const port = await service.listen()
    for (const { bytes, hangUp } of hostileRequests()) await exchange(port, bytes, { hangUp: hangUp ?? false })
    expect(await service.keys()).toEqual([])
    await expectAlive(port)
    expect(service.logLines.filter((line) => JSON.parse(line).level === 'error')).toEqual([])
  }, 120_000)
})

describe('what looks hostile and is not', () => {
  it.each([
    ['files/%252e%252e/a', 'files/%2e%2e/a'],
    ['files/..;/a', 'files/..;/a'],
    ['files/...a/b', 'files/...a/b'],
    ['files/a..b', 'files/a..b'],
    ['files/..a', 'files/..a'],
    ['files/%252f', 'files/%2f'],
    ['files/a%23b%3Fc', 'files/a#b?c'],
    ["files/'%20OR%201=1", "files/' OR 1=1"],
    ['files/__proto__', 'files/__proto__'],
  ])('%s is a key like others: %s', async (path, key) => {
    const service = createService()
    const port = await service.listen()
    const put = await exchange(port, rawRequest('PUT', `/v1/objects/${path}`, { body: 'x' }))
    expect(put.status).toBe(201)
    expect(await service.keys()).toEqual([key])
  })

  it('an absolute target that names us is served', async () => {
    const service = createService()
    const port = await service.listen()
    const answer = await exchange(port, rawRequest('GET', 'http://127.0.0.1/v1/objects'))
    expect(answer.status).toBe(200)
  })

  it('a body that is shorter than what follows it ends where it says', async () => {
    const service = createService()
    const port = await service.listen()
    const answer = await exchange(port, [
      'PUT /v1/objects/files/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello, and what is this?\r\n\r\n',
    ])
    // What follows is no request, and the connection is closed for it, perhaps before the first answer.
    expect(answer.text).toContain('400 Bad Request')
    expect([undefined, 'hello']).toContain(await service.text('files/a'))
  })
})

describe('secrets', () => {
  const secrets = {
    read: 'canary-token-read-5f1c',
    admin: 'canary-token-admin-9a2e',
    link: 'canaryLinkSecretCanaryLinkSecretCanaryLink12',
    access: 'CANARYACCESSKEY',
    secret: 'canary/secret+access=key',
    session: 'canary-session-token',
    bucket: 'canary-bucket',
    endpoint: 'canary-endpoint.example',
    runpod: 'canary-runpod-token',
  }
  const env = {
    STORE: 's3',
    API_TOKENS: `${secrets.read}=read,${secrets.admin}=admin`,
    LINK_SECRETS: `k1:${secrets.link}`,
    AWS_ACCESS_KEY_ID: secrets.access,
    AWS_SECRET_ACCESS_KEY: secrets.secret,
    AWS_SESSION_TOKEN: secrets.session,
    S3_BUCKET: secrets.bucket,
    S3_ENDPOINT_URL: `https://${secrets.endpoint}`,
    DASHBOARD: 'trusted-network',
    ...limits,
  }

  function expectNoSecret(text: string): void {
    expect(Object.values(secrets).filter((secret) => text.toLowerCase().includes(secret.toLowerCase()))).toEqual([])
  }

  it('are in no answer and in no line of the log, whatever is sent', async () => {
    const service = createService({
      env,
      linkSecrets: [{ keyId: 'k1', secret: new Uint8Array(Buffer.from(secrets.link)) }],
    })
    const port = await service.listen()
    for (const token of [secrets.read, secrets.admin]) {
      const lines = [
        `Authorization: Bearer ${token}`,
        `X-RunPod-Token: ${secrets.runpod}`,
        `Cookie: a=${secrets.session}`,
      ]
      for (const { bytes, hangUp } of hostileRequests(lines)) {
        expectNoSecret((await exchange(port, bytes, { hangUp: hangUp ?? false })).text)
      }
      const paths = [
        '/',
        '/docs',
        '/openapi.json',
        '/livez',
        '/readyz',
        '/v1/capabilities',
        '/v1/objects',
        '/v1/processes',
      ]
      for (const path of paths) expectNoSecret((await exchange(port, rawRequest('GET', path, { headers: lines }))).text)
    }
    for (const line of service.logLines) expectNoSecret(line)
  }, 120_000)

  it('that a store names in its errors are in no answer', async () => {
    const text = `AccessDenied for ${secrets.access} on https://${secrets.endpoint}/${secrets.bucket}`
    const errors = [new StoreUnavailable(text), new StoreDenied(text), new StoreMisbehaved(text), new TypeError(text)]
    for (const error of errors) {
      const fail = async () => {
        throw error
      }
      const service = createService({
        linkSecrets: [linkSecret('k1')],
        wrap: (store) => ({ ...store, get: fail, head: fail, put: fail, list: fail, delete: fail, deleteMany: fail }),
      })
      for (const answer of await everyCall(service)) {
        expect(answer.status).toBeGreaterThanOrEqual(500)
        expectNoSecret(await answer.text())
      }
    }
  })
})

const everyCall = (service: Service): Promise<Response[]> =>
  Promise.all([
    service.request('/readyz'),
    service.request('/v1/objects'),
    service.request('/v1/objects/files/a'),
    service.request('/v1/objects/files/a', { method: 'PUT', body: 'x' }),
    service.request('/v1/objects/files/a', { method: 'DELETE' }),
    service.request('/v1/datasets'),
    service.request('/v1/datasets/d'),
    service.request('/v1/datasets/d', { method: 'DELETE' }),
    service.request('/v1/links', { method: 'POST', json: { keys: ['files/a'] } }),
    service.request('/v1/exports', { method: 'POST', json: { include: [{ key: 'files/a' }] } }),
    service.request('/v1/exports/e'),
    service.request('/v1/processes'),
    service.request('/v1/processes', { method: 'POST', json: { type: 'training' } }),
    service.request('/v1/processes/p'),
    service.request('/v1/processes/p/cancel', { method: 'POST' }),
  ])
