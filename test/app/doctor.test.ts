import { chmod, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createS3Client } from '../../src/adapters/s3/client.ts'
import { createS3ObjectStore } from '../../src/adapters/s3/object-store.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import type { StoreUses } from '../../src/domain/doctor/summary.ts'
import type { StoreFinding } from '../../src/ports/store-finding.ts'
import { type FakeS3, type FakeS3Options, startFakeS3 } from '../faults/fake-s3/fake-s3.ts'
import { type LocalR2, startLocalR2 } from '../servers/local-r2.ts'
import { type S3rver, startS3rver } from '../servers/s3rver.ts'
import { everyKey } from './memory-service.ts'
import { startProcess } from './started-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const repository = new URL('../..', import.meta.url).pathname

interface Reported {
  readonly stores: { readonly holds: string; readonly findings: StoreFinding[] }[]
  readonly uses: StoreUses
}

const start = (env: Record<string, string>, ...args: string[]) =>
  startProcess({ command: [process.execPath, 'src/app/doctor.ts', ...args], cwd: repository, env })

/** Runs `npm run doctor -- --json` with nothing set but `env`. */
async function doctor(env: Record<string, string>) {
  const child = start(env, '--json')
  const code = await child.ended
  const report = code === 0 || code === 1 ? (JSON.parse(child.stdout()) as Reported) : undefined
  const findings = report?.stores.flatMap((store) => store.findings) ?? []
  return {
    code,
    report,
    stdout: child.stdout(),
    stderr: child.stderr(),
    finding: (check: string) => findings.find((one) => one.check === check),
    checks: (verdict: StoreFinding['verdict']) =>
      findings.filter((one) => one.verdict === verdict).map(({ check }) => check),
  }
}

async function fake(options: FakeS3Options): Promise<{ server: FakeS3; env: Record<string, string> }> {
  const server = await startFakeS3(options)
  onTestFinished(() => server.stop())
  return { server, env: environmentOf(server) }
}

const environmentOf = ({ bucket, origin, region, credentials }: FakeS3) => ({
  S3_BUCKET: bucket,
  S3_ENDPOINT_URL: origin,
  S3_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
})

describe('the doctor on stores of this machine', () => {
  it('finds nothing broken in memory', async () => {
    const { code, report, checks } = await doctor({ STORE: 'memory' })
    expect({ code, broken: checks('broken'), missing: checks('missing') }).toEqual({
      code: 0,
      broken: [],
      missing: ['signed URLs'],
    })
    expect(report?.uses).toEqual({ processState: 'cas', links: 'service', uploads: 'resumable' })
  })

  it('examines a folder, its locks and its space, and leaves no object there', async () => {
    const folder = await temporaryFolder()
    const { code, finding, report } = await doctor({ DATA_DIR: folder })
    expect(code).toBe(0)
    expect(['writable', 'file system', 'locks', 'free space'].map((check) => finding(check)?.verdict)).toEqual(
      Array.from({ length: 4 }, () => 'works'),
    )
    expect(report?.uses.processState).toBe('cas')
    const { createFolderObjectStore } = await import('../../src/adapters/folder/object-store.ts')
    const stateDir = `${folder}/.lora-storage`
    const store = createFolderObjectStore({ root: `${folder}/lora-dashboard`, stateDir, nowMs: Date.now })
    expect(await everyKey(store)).toEqual([])
  })

  it('says of a folder that is a file that it is broken', async () => {
    const folder = await temporaryFolder()
    await rm(folder, { recursive: true })
    const { writeFile } = await import('node:fs/promises')
    await writeFile(folder, 'x')
    const { code, checks } = await doctor({ DATA_DIR: folder })
    expect({ code, broken: checks('broken') }).toEqual({ code: 1, broken: ['writable'] })
  })
})

describe('the doctor on a folder', () => {
  it('that was missing says that it was made, and which folders', async () => {
    const folder = await temporaryFolder()
    const { finding } = await doctor({ DATA_DIR: `${folder}/a/b` })
    const made = ['a', 'a/b', 'a/b/lora-dashboard', 'a/b/.lora-storage'].map((path) => `${folder}/${path}`).join(', ')
    expect(finding('writable')).toMatchObject({ verdict: 'works', detail: expect.stringContaining(`made ${made}`) })
    expect((await doctor({ DATA_DIR: `${folder}/a/b` })).finding('writable')?.detail).not.toContain('made')
  })

  it.runIf(process.platform === 'linux')('where none can be made ends, and speaks of folders', async () => {
    const { code, checks, finding } = await doctor({ DATA_DIR: '/proc/x' })
    expect({ code, broken: checks('broken') }).toEqual({ code: 1, broken: ['writable'] })
    expect(finding('writable')).toMatchObject({
      detail: 'the file system failed (ENOENT)',
      fix: expect.stringContaining('whether a folder can be made at DATA_DIR'),
    })
  })

  it.runIf(process.getuid?.() === 0)(
    'that others own speaks of the user and the mode, and of no credentials',
    async () => {
      const folder = await temporaryFolder()
      await chmod(folder, 0o555)
      const child = startProcess({
        command: [process.execPath, 'src/app/doctor.ts'],
        cwd: repository,
        env: { DATA_DIR: folder },
        uid: 65_534,
      })
      expect(await child.ended).toBe(1)
      expect(child.stdout()).toMatch(/broken +writable +the file system refuses it \(EACCES\)/)
      expect(child.stdout()).toContain('fix: let the user that runs this read, write and search DATA_DIR')
      expect(child.stdout()).not.toContain('credentials')
    },
  )
})

describe('the doctor on s3rver', () => {
  let server: S3rver
  beforeAll(async () => {
    server = await startS3rver()
  })
  afterAll(() => server.stop())

  it('tells it apart as a store that ignores conditional writes, and as one that checks nothing', async () => {
    const { environment, bucket, client } = server
    const { finding, report, stdout } = await doctor(environment)
    expect(finding('conditional put')).toMatchObject({
      verdict: 'missing',
      detail: expect.stringContaining('ignores conditional writes'),
    })
    expect(finding('signed URLs')).toMatchObject({ verdict: 'works', fix: expect.stringContaining('no signature') })
    expect(finding('checksums')).toMatchObject({ verdict: 'missing' })
    expect(finding('abort upload')).toMatchObject({ verdict: 'missing' })
    // It loses names where one page ends and the next begins.
    expect(finding('listing')).toMatchObject({ verdict: 'broken' })
    expect(report?.uses).toMatchObject({ processState: 'merge', uploads: 'remembered' })
    expect(stdout).not.toContain('AWS_SECRET')
    const store = createS3ObjectStore({ client, bucket, prefix: 'lora-dashboard', ids: createIds() })
    expect(await everyKey(store)).toEqual([])
  })
})

describe("the doctor on R2's simulator", () => {
  let server: LocalR2
  beforeAll(async () => {
    server = await startLocalR2()
  })
  afterAll(() => server?.stop())

  it('finds it to decide between writers, and nothing broken', async () => {
    const { connection, bucket } = server
    const { code, checks, report } = await doctor({
      S3_BUCKET: bucket,
      S3_ENDPOINT_URL: connection.endpoint ?? '',
      S3_REGION: connection.region,
      AWS_ACCESS_KEY_ID: connection.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: connection.credentials.secretAccessKey,
    })
    expect({ code, broken: checks('broken') }).toEqual({ code: 0, broken: [] })
    expect(checks('missing')).toEqual(
      expect.arrayContaining(['conditional complete', 'conditional delete', 'list parts']),
    )
    expect(report?.uses).toMatchObject({ processState: 'cas', uploads: 'remembered' })
    const store = createS3ObjectStore({
      client: createS3Client(connection),
      bucket,
      prefix: 'lora-dashboard',
      ids: createIds(),
    })
    expect(await everyKey(store)).toEqual([])
  })
})

describe('the doctor on a fake of', () => {
  const conditions = ['conditional put', 'conditional complete', 'conditional delete']
  it.each([
    ['aws', 'cas', []],
    ['generic', 'cas', []],
    ['minio', 'cas', ['conditional delete']],
    ['r2', 'cas', ['conditional delete']],
    ['ceph', 'cas', ['conditional complete', 'conditional delete']],
    ['b2', 'merge', conditions],
    ['gcs', 'merge', conditions],
    ['runpod', 'merge', [...conditions, 'metadata', 'batch delete', 'signed URLs']],
  ] as const)('%s finds what it has, nothing broken, and leaves nothing', async (profile, processState, missing) => {
    const { server, env } = await fake({ profile })
    const { code, checks, report, stdout } = await doctor(env)
    expect({ code, broken: checks('broken') }).toEqual({ code: 0, broken: [] })
    expect(checks('missing')).toEqual(expect.arrayContaining([...missing]))
    expect(report?.uses.processState).toBe(processState)
    expect(server.keys()).toEqual([])
    expect(server.openUploads()).toEqual([])
    for (const secret of [server.credentials.secretAccessKey, 'X-Amz-Signature']) expect(stdout).not.toContain(secret)
  })

  it('runpod leaves nothing either when each upload is joined long after its time-out, and sweeps what earlier runs left', async () => {
    const old = Date.now() - 3 * 3_600_000
    let nowMs = () => old
    const { server, env } = await fake({
      profile: 'runpod',
      quirks: { completeGoesOn: { every: 1, mergeMs: 900 } },
      nowMs: () => nowMs(),
    })
    server.putDirectly('lora-dashboard/.probe/gone/complete', new Uint8Array(1))
    nowMs = Date.now
    server.putDirectly('lora-dashboard/.probe/running/complete', new Uint8Array(1))
    const { finding } = await doctor(env)
    await sleep(1_000)
    expect(server.keys()).toEqual(['lora-dashboard/.probe/running/complete'])
    expect(finding('cleaning up')).toMatchObject({
      verdict: 'works',
      detail: expect.stringContaining('1 trial object '),
    })
  })

  it('a store whose browsers are let in says that CORS works for the first of CORS_ORIGINS', async () => {
    const origin = 'https://dashboard.example'
    const { env } = await fake({
      profile: 'aws',
      quirks: { cors: { origins: [origin], methods: ['GET', 'PUT'], exposed: ['ETag'] } },
    })
    const allowed = await doctor({ ...env, CORS_ORIGINS: `${origin},https://other.example` })
    expect(allowed.finding('CORS')).toMatchObject({ verdict: 'works', detail: expect.stringContaining(origin) })
    const refused = await doctor({ ...env, CORS_ORIGINS: 'https://other.example' })
    expect(refused.finding('CORS')).toMatchObject({ verdict: 'missing' })
  })
})

describe('the doctor says at once, and only', () => {
  it('that the environment is wrong, with 78', async () => {
    const { code, stderr } = await doctor({ STORE: 's3' })
    expect(code).toBe(78)
    expect(stderr).toContain('S3_BUCKET')
    expect((await doctor({ STORE: 'r2' })).code).toBe(78)
  })

  it('that nobody answers', async () => {
    const { server, env } = await fake({ profile: 'aws' })
    await server.stop()
    const { code, report } = await doctor(env)
    expect(code).toBe(1)
    expect(report?.stores[0]).toMatchObject({ complete: false, capabilities: null })
    expect(report?.stores[0]?.findings).toMatchObject([{ check: 'reach', verdict: 'broken' }])
    expect(report?.uses).toEqual({ processState: null, links: null, uploads: null })
  })

  it.each([
    ['secret', { AWS_SECRET_ACCESS_KEY: 'wrong-secret-0123456789' }, 'SignatureDoesNotMatch'],
    ['key id', { AWS_ACCESS_KEY_ID: 'wrong-key-0123456789' }, 'InvalidAccessKeyId'],
    ['bucket', { S3_BUCKET: 'another-bucket' }, 'NoSuchBucket'],
  ])('that the %s is wrong, without saying what it is', async (_, wrong, code) => {
    const { env } = await fake({ profile: 'aws' })
    const examined = await doctor({ ...env, ...wrong })
    expect(examined.code).toBe(1)
    expect(examined.checks('broken')).toEqual(['credentials'])
    expect(examined.finding('credentials')).toMatchObject({ detail: expect.stringContaining(code) })
    expect(`${examined.stdout}${examined.stderr}`).not.toContain('wrong-secret')
  })
})

it('a clock further off than the store allows is broken, and one that is only off is told', async () => {
  const off = async (ms: number) => {
    const { env } = await fake({ profile: 'aws', nowMs: () => Date.now() + ms })
    return doctor(env)
  }
  expect((await off(-20 * 60_000)).finding('clock')).toMatchObject({
    verdict: 'broken',
    detail: "ours is 20 min ahead of the store's, which allows 15 min",
  })
  expect((await off(5 * 60_000)).finding('clock')).toMatchObject({ verdict: 'works', fix: expect.any(String) })
})

it('another store of process state is examined too, and decides how process state is kept', async () => {
  const objects = await fake({ profile: 'gcs' })
  const state = await fake({ profile: 'aws' })
  const { report } = await doctor({
    ...objects.env,
    STATE_S3_BUCKET: state.env.S3_BUCKET ?? '',
    STATE_S3_ENDPOINT_URL: state.env.S3_ENDPOINT_URL ?? '',
    STATE_S3_REGION: state.env.S3_REGION ?? '',
    STATE_S3_ACCESS_KEY_ID: state.env.AWS_ACCESS_KEY_ID ?? '',
    STATE_S3_SECRET_ACCESS_KEY: state.env.AWS_SECRET_ACCESS_KEY ?? '',
  })
  expect(report?.stores.map(({ holds }) => holds)).toEqual(['objects', 'process state'])
  expect(report?.uses.processState).toBe('cas')
  expect([objects.server.keys(), state.server.keys()]).toEqual([[], []])
})

it.each(['SIGINT', 'SIGTERM'] as const)('%s in the middle ends it with 130, and nothing is left', async (signal) => {
  const { server, env } = await fake({ profile: 'aws' })
  server.inject('any', 'every', { delayMs: 30 })
  const child = start(env)
  while (server.count('PutObject') < 20) await sleep(20)
  child.kill(signal)
  expect(await child.ended).toBe(130)
  expect(server.keys()).toEqual([])
  expect(server.openUploads()).toEqual([])
})

it('prints a table without colours where nobody looks, which ends with what the store is good for', async () => {
  const child = start({ STORE: 'memory' })
  expect(await child.ended).toBe(0)
  expect(child.stdout()).not.toContain('\u001b')
  expect(child.stdout().trimEnd().split('\n').at(-1)).toBe('process state: cas · links: ours · uploads: resumable')
})
