import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { npmStartArgs } from '../../servers/npm-start.ts'
import { startFakeS3 } from '../fake-s3/fake-s3.ts'
import { ask } from '../matrix/http-client.ts'
import { createRandom } from '../random.ts'

export interface SlowReaderFigures {
  readonly clients: number
  /** Memory of the service's process, in MiB: with nobody there, and at its most while all of them read. */
  readonly restMiB: number
  readonly mostMiB: number
  /** What each of them costs. */
  readonly eachMiB: number
  /** Answers to somebody who reads at once, among them. */
  readonly quickMs: number
}

const MiB = 2 ** 20
const objectBytes = 8 * MiB
const readingMs = 4_000
const root = join(import.meta.dirname, '../../..')

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

/** So many clients at once take a piece of the same object every second, from a service that is a process of its own. */
export async function runSlowReaders({
  clients,
  seed,
}: {
  readonly clients: number
  readonly seed: number
}): Promise<SlowReaderFigures> {
  const fake = await startFakeS3({ profile: 'aws', seed })
  const service = spawn(process.execPath, npmStartArgs, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      S3_ENDPOINT_URL: fake.origin,
      S3_REGION: fake.region,
      S3_BUCKET: fake.bucket,
      AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
    },
  })
  const gone = new AbortController()
  try {
    const origin = await listening(service.stdout)
    const url = `${origin}/v1/objects/files/slow.bin`
    await ask(url, { method: 'PUT', body: createRandom(seed).bytes(objectBytes) })
    for (let warming = 0; warming < 20; warming++) await ask(url)
    const restMiB = await residentMiB(service.pid ?? 0)

    const second = () => pause(1_000, undefined, { signal: gone.signal }).catch(() => {})
    const readers = Array.from({ length: clients }, () =>
      ask(url, {
        made: (request) => gone.signal.addEventListener('abort', () => request.destroy()),
        onPiece: second,
      }),
    )
    let mostMiB = 0
    const endsAtMs = performance.now() + readingMs
    while (performance.now() < endsAtMs) {
      mostMiB = Math.max(mostMiB, await residentMiB(service.pid ?? 0))
      await pause(100)
    }
    const { durationMs: quickMs } = await ask(url)
    gone.abort()
    await Promise.all(readers)
    return { clients, restMiB, mostMiB, eachMiB: Math.max(0, mostMiB - restMiB) / clients, quickMs }
  } finally {
    service.kill('SIGKILL')
    await fake.stop()
  }
}

async function listening(stdout: NodeJS.ReadableStream): Promise<string> {
  let said = ''
  for (;;) {
    const [piece] = (await once(stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer]
    said += piece.toString()
    const origin = /listens on (http\S+) /.exec(said)?.[1]
    if (origin !== undefined) return origin
  }
}
