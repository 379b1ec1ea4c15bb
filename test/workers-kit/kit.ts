import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'vitest'
import { type StartedProcess, startService } from '../app/started-process.ts'
import type { Program } from '../domain/export/programs.ts'
import { repository } from '../servers/child.ts'

const samples = join(repository, 'test/data/training-set/good')
const token = 'token-of-a-worker-in-a-test'

/** A worker of the kit, as its users start it. */
export interface Script {
  readonly file: string
  readonly program: string
  /** What it cannot do without. */
  readonly needs: readonly Program[]
  /** What its training ends with. */
  readonly lastStep: number
  /** All that it reports of a process, from the first word to the last. */
  readonly reports: number
  /** The steps of each point that it has measured by then. */
  readonly steps: readonly number[]
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1)

export const scripts: readonly Script[] = [
  { file: 'worker.py', program: 'python3', needs: ['python3'], lastStep: 100, reports: 13, steps: upTo(100) },
  { file: 'worker.sh', program: 'sh', needs: ['curl', 'unzip'], lastStep: 5, reports: 8, steps: upTo(5) },
]

export interface Process {
  readonly status: string
  readonly worker: string
  readonly attempt: number
  readonly version: number
  readonly progress: { readonly step: number }
  readonly error: { readonly code: string } | null
}

export interface Kit {
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  process(id: string): Promise<Process>
  /** Resolves once the process is as it is wanted. */
  processIs(id: string, isWanted: (process: Process) => boolean): Promise<Process>
  /** Names and bytes of what was stored as LoRAs of a process. */
  results(id: string): Promise<Map<string, Buffer>>
  /** The steps of the points that the service has, in its order. */
  steps(id: string): Promise<number[]>
  /** The bytes of the sample set, one file after the other, by name. */
  readonly dataset: Buffer
  readonly url: string
  /** `url`: where the worker believes the service to be. */
  work(script: Script, options?: { readonly pull?: 'zip' | 'files'; readonly url?: string }): Worker
  /** Ends the service at once, and starts it on the same port after a while. */
  killAndRestart(awayMs: number): Promise<void>
}

export interface Worker {
  /** Its exit code. */
  readonly ended: Promise<number | null>
  stderr(): string
  /** It and its children stand still, and go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
}

/** A service on a folder of its own, with the sample set as the dataset `łódź 1`, and everything gone after the test. */
export async function startKit({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): Promise<Kit> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lora-storage-kit-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  const start = (port: string) =>
    startService({ DATA_DIR: dataDir, PORT: port, API_TOKENS: `${token}=read+write+worker` }, onTestFinished)
  let service: StartedProcess = start('0')
  const url = await service.url

  const request = (method: string, path: string, body?: unknown) =>
    fetch(`${url}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    })
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await request(method, path, body)
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const process_ = (id: string) => call<Process>('GET', `processes/${id}`)

  const files = await readSamples()
  const form = new FormData()
  for (const [name, bytes] of files) form.append('files', new File([bytes], name))
  await call('POST', 'datasets/łódź 1/files', form)

  return {
    url,
    call,
    process: process_,
    dataset: Buffer.concat(files.map(([, bytes]) => bytes)),
    async processIs(id, isWanted) {
      for (;;) {
        const found = await process_(id)
        if (isWanted(found)) return found
        await sleep(100)
      }
    },
    async results(id) {
      const prefix = `results/${id}/lora/`
      const { objects } = await call<{ objects: { key: string }[] }>('GET', `objects?prefix=${prefix}`)
      const read = async ({ key }: { key: string }) =>
        [key.slice(prefix.length), Buffer.from(await (await request('GET', `objects/${key}`)).arrayBuffer())] as const
      return new Map(await Promise.all(objects.map(read)))
    },
    async steps(id) {
      const { points } = await call<{ points: { step: number }[] }>('GET', `processes/${id}/metrics`)
      return points.map(({ step }) => step)
    },
    work({ file, program }, { pull = 'zip', url: seenUrl = url } = {}) {
      const child = spawn(program, [join(repository, 'examples/workers', file)], {
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          LORA_URL: seenUrl,
          LORA_TOKEN: token,
          LORA_PULL: pull,
          TMPDIR: dataDir,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
        // The shell's has children, which end with it.
        detached: true,
      })
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
      onTestFinished(async () => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
        await ended
      })
      const signal = (which: NodeJS.Signals) => {
        if (child.pid !== undefined) process.kill(-child.pid, which)
      }
      return { ended, stderr: () => stderr, signal }
    },
    async killAndRestart(awayMs) {
      service.kill('SIGKILL')
      await service.ended
      await sleep(awayMs)
      service = start(new URL(url).port)
      await service.url
    },
  }
}

async function readSamples(): Promise<[string, Buffer<ArrayBuffer>][]> {
  const names = (await readdir(samples)).map((name) => name.normalize('NFC'))
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return await Promise.all(
    names.map(async (name) => [name, await readFile(join(samples, name))] as [string, Buffer<ArrayBuffer>]),
  )
}
