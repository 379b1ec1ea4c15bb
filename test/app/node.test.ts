import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startHttpStub } from '../servers/http-stub.ts'
import { startService } from './started-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const linkSecrets = `k1:${randomBytes(32).toString('base64')}`

describe('the start', () => {
  it('greets with where it listens, what it stores in and a line to try; what is put lies in the folder', async () => {
    const dataDir = await temporaryFolder()
    const service = startService({ DATA_DIR: dataDir, LINK_SECRETS: linkSecrets })
    const url = await service.url
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
    await service.said(/^Console /m)
    expect(service.stdout()).toContain(`store: folder ${dataDir}`)
    expect(service.stdout()).toMatch(new RegExp(`^ +curl -F .*${url}/v1/datasets/first/files$`, 'm'))
    expect(service.stdout()).toContain('No API_TOKENS')
    expect(service.stderr()).toBe('')

    expect((await fetch(`${url}/livez`)).status).toBe(200)
    const { status } = await fetch(`${url}/v1/objects/files/a.txt`, { method: 'PUT', body: 'abc' })
    expect(status).toBe(201)
    expect(await readFile(join(dataDir, 'lora-dashboard/files/a.txt'), 'utf8')).toBe('abc')
  })

  it('counts its calls to the store for Prometheus', async () => {
    const service = startService({ DATA_DIR: await temporaryFolder() })
    const url = await service.url
    await fetch(`${url}/v1/objects/files/a.txt`, { method: 'PUT', body: 'abc' })
    const answer = await fetch(`${url}/metrics`)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await answer.text()
    const put = 'lora_store_attempts_total{store="objects",group="data",operation="put",result="answered"} 1'
    expect(text).toContain(put)
    expect(text).toContain('lora_store_circuit{store="state",group="data"} 0')
    expect(text).toContain('process_resident_memory_bytes')
  })

  it('shows how to send a token, and no token, when tokens are configured', async () => {
    const service = startService({
      DATA_DIR: await temporaryFolder(),
      HOST: '0.0.0.0',
      API_TOKENS: 'a-token-that-nobody-prints=read',
    })
    const url = await service.url
    await service.said(/^Console /m)
    expect(service.stdout()).toContain('curl -H "Authorization: Bearer $TOKEN"')
    expect(service.stdout() + service.stderr()).not.toContain('a-token-that-nobody-prints')
    expect((await fetch(`${url}/v1/datasets`)).status).toBe(401)
  })

  it('warns of links that end with the process when LINK_SECRETS is unset', async () => {
    const service = startService({ DATA_DIR: await temporaryFolder() })
    await service.url
    const [line = '', ...more] = service.stderr().trim().split('\n')
    expect(more).toEqual([])
    expect(JSON.parse(line)).toMatchObject({ level: 'warn', event: 'link-secrets-made-at-random' })
  })
})

describe('a wrong environment', () => {
  it('is told whole, without its secrets, and ends the start with 78', async () => {
    const secrets = { token: 'the-token-of-somebody', link: 'dGhlIHNlY3JldA==', key: 'the-secret-access-key' }
    const service = startService({
      PORT: '99999',
      HOST: '0.0.0.0',
      PUBLIC_URL: 'lora.example',
      S3_BUCKET: 'bucket',
      AWS_SECRET_ACCESS_KEY: secrets.key,
      S3_PREFIX: '../elsewhere',
      API_TOKENS: `${secrets.token}=everything`,
      LINK_SECRETS: `k1:${secrets.link}`,
      CORS_ORIGINS: 'https://dashboard.example/path',
      LOG_LEVEL: 'loud',
      MAX_FILE_BYTES: '0',
      MIN_IMAGE_SIDE_PX: '5000',
    })
    expect(await service.ended).toBe(78)
    expect([...service.stderr().matchAll(/^ {2}([A-Z0-9_]+)[:.]/gm)].map(([, name]) => name).sort()).toEqual([
      'API_TOKENS',
      'AWS_ACCESS_KEY_ID',
      'CORS_ORIGINS',
      'LINK_SECRETS',
      'LOG_LEVEL',
      'MAX_FILE_BYTES',
      'MIN_IMAGE_SIDE_PX',
      'PORT',
      'PUBLIC_URL',
      'S3_PREFIX',
      'S3_REGION',
    ])
    expect(service.stdout()).toBe('')
    for (const secret of Object.values(secrets)) expect(service.stderr()).not.toContain(secret)
  })

  it('is one that serves others without tokens', async () => {
    for (const HOST of ['0.0.0.0', '::', '192.0.2.1', 'storage.example']) {
      const service = startService({ HOST, STORE: 'memory' })
      expect(await service.ended).toBe(78)
      expect(service.stderr()).toContain(`HOST: ${HOST} is reachable from outside, so API_TOKENS is required`)
    }
  })

  it('is one that needs Workers', async () => {
    const service = startService({ STORE: 'r2' })
    expect(await service.ended).toBe(78)
    expect(service.stderr()).toMatch(/^ {2}STORE: r2 needs Cloudflare Workers/m)
  })
})

it('a store that cannot be asked what STATE_CAS=require demands is one line and the code 75', async () => {
  const stub = await startHttpStub((_, response) => response.end())
  await stub.stop()
  const access = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'the-secret-access-key' }
  const service = startService({
    ...{ ...access, S3_BUCKET: 'bucket', S3_ENDPOINT_URL: stub.origin },
    ...{ STATE_CAS: 'require', LINK_SECRETS: linkSecrets, STORE_RETRIES_MAX: '0' },
  })
  expect(await service.ended).toBe(75)
  expect(service.stderr()).toMatch(
    /^STATE_CAS=require: whether the store of process state decides .+ is not known: .+\n$/,
  )
  expect(service.stderr()).not.toContain(access.AWS_SECRET_ACCESS_KEY)
})

it('a port that is taken is one line and the code 1', async () => {
  const first = startService({ DATA_DIR: await temporaryFolder() })
  const { port } = new URL(await first.url)
  const second = startService({ DATA_DIR: await temporaryFolder(), PORT: port, LINK_SECRETS: linkSecrets })
  expect(await second.ended).toBe(1)
  expect(second.stderr()).toBe(`Port ${port} on 127.0.0.1 is taken: stop what listens there, or set PORT.\n`)
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
})
