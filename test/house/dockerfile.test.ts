import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/app/config.ts'
import { type StartedProcess, startProcess } from '../app/started-process.ts'
import { repository } from '../servers/child.ts'
import { assignments, parseDockerfile, words } from './dockerfile.ts'
import { asRoot, type Replayed, replay } from './replay.ts'

const stages = parseDockerfile(await readFile(join(repository, 'Dockerfile'), 'utf8'))

function start(image: Replayed, env: Readonly<Record<string, string>>): StartedProcess {
  const mapped = Object.entries({ ...image.env, ...env }).map(([name, value]) => [
    name,
    value.startsWith('/') ? join(image.root, value) : value,
  ])
  const [program = '', ...args] = words(image.last.get('CMD') ?? '')
  return startProcess({
    command: [program, ...args],
    cwd: join(image.root, image.cwd),
    env: { PATH: join(image.root, 'usr/local/bin'), ...Object.fromEntries(mapped) },
    ...(asRoot && image.user !== undefined ? { uid: image.user } : {}),
  })
}

function isHealthy(image: Replayed, port: string): boolean {
  const [program = '', ...args] = words((image.last.get('HEALTHCHECK') ?? '').replace(/^.*?CMD\s+/, ''))
  const { status } = spawnSync(program, args, { env: { PATH: join(image.root, 'usr/local/bin'), PORT: port } })
  return status === 0
}

describe('the image', () => {
  it('runs the service from what it copies, as its own user, over its volume', { timeout: 180_000 }, async () => {
    const replayed = new Map<string, Replayed>()
    let image: Replayed | undefined
    for (const stage of stages) {
      image = await replay(stage, replayed)
      if (stage.name !== undefined) replayed.set(stage.name, image)
    }
    if (image === undefined) throw new Error('no stages')
    expect(image.user).toBeGreaterThan(0)
    expect(JSON.parse(image.last.get('VOLUME') ?? '')).toEqual([image.env.DATA_DIR])

    // Its HOST is reachable from outside, so it does not start without tokens.
    const closed = start(image, { PORT: '0' })
    expect(await closed.ended, closed.stderr()).toBe(78)

    const token = 'a-token-for-this-test'
    const service = start(image, { PORT: '0', API_TOKENS: `${token}=read+write` })
    const { port } = new URL(await service.url)
    const url = `http://127.0.0.1:${port}`
    expect(await (await fetch(`${url}/livez`)).json()).toMatchObject({ live: true })
    expect(isHealthy(image, port)).toBe(true)
    const headers = { authorization: `Bearer ${token}` }
    const put = await fetch(`${url}/v1/objects/files/a.txt`, { method: 'PUT', body: 'abc', headers })
    expect(put.status).toBe(201)
    expect(await readFile(join(image.root, '/data/lora-dashboard/files/a.txt'), 'utf8')).toBe('abc')

    service.kill(image.last.get('STOPSIGNAL') as NodeJS.Signals)
    expect(await service.ended).toBe(0)
    expect(isHealthy(image, port)).toBe(false)
  })

  it('names the port that the service listens on by default', () => {
    const last = stages.at(-1)
    const exposed = last?.instructions.find(({ name }) => name === 'EXPOSE')?.text
    const env = last?.instructions.filter(({ name }) => name === 'ENV').map(({ text }) => assignments(text))
    const config = readConfig({ ...Object.assign({}, ...(env ?? [])), API_TOKENS: 'a-token-for-this-test=read' })
    expect(exposed).toBe(String(config.port))
  })

  it('is built on the Node that we test with', () => {
    const [, major] = /^node:(\d+)[.-]/.exec(stages[0]?.from ?? '') ?? []
    expect(process.versions.node.split('.')[0]).toBe(major)
  })
})
