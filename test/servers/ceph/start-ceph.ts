import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Ceph {
  /** Such as `20.2.4`. */
  readonly version: string
  readonly endpointUrl: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Ends its processes and removes what they stored. */
  stop(): Promise<void>
}

/** `rgw-up.sh` says so where Ceph cannot be had, which is no failure. */
const unavailableExit = 69

/**
 * A fresh Ceph Object Gateway on free loopback ports, in some 4 s; the first time on a machine its packages are downloaded.
 * `unavailable` says in a few words why there is none on a machine like this. An abort ends the start and throws its reason.
 */
export async function startCeph(signal: AbortSignal): Promise<Ceph | { readonly unavailable: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'lora-storage-ceph-'))
  const stop = async () => {
    await run('rgw-down.sh', [directory])
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const { code, said } = await run('rgw-up.sh', [directory, `${await freePorts()}`], signal)
    signal.throwIfAborted()
    if (code === unavailableExit) {
      await stop()
      return { unavailable: said.get('UNAVAILABLE') ?? '' }
    }
    if (code !== 0) throw new Error(`Ceph did not start: rgw-up.sh ended with ${code}`)
    return {
      version: said.get('VERSION') ?? '',
      endpointUrl: said.get('S3_ENDPOINT_URL') ?? '',
      region: said.get('S3_REGION') ?? '',
      accessKeyId: said.get('AWS_ACCESS_KEY_ID') ?? '',
      secretAccessKey: said.get('AWS_SECRET_ACCESS_KEY') ?? '',
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Runs a script of this folder, out of reach of the terminal's Ctrl-C, which would stop it anywhere. */
async function run(script: string, args: readonly string[], signal?: AbortSignal) {
  const child = spawn('bash', [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const end = () => child.kill('SIGTERM')
  signal?.addEventListener('abort', end, { once: true })
  try {
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    return { code: code as number | null, said: new Map(output.split('\n').map(nameAndValue)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { code: unavailableExit, said: new Map([['UNAVAILABLE', 'there is no bash']]) }
  } finally {
    signal?.removeEventListener('abort', end)
  }
}

function nameAndValue(line: string): [string, string] {
  const [name = '', ...value] = line.split('=')
  return [name, value.join('=')]
}

/** What `rgw-up.sh` uses, counted from the port it is given. */
const portOffsets = [0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
const portTriesMax = 50

/** A port that is free together with its neighbours. Below those that the system hands out by itself. */
async function freePorts(): Promise<number> {
  for (let tries = 0; tries < portTriesMax; tries++) {
    const port = 20_000 + 20 * Math.floor(Math.random() * 500)
    const free = await Promise.all(portOffsets.map((offset) => isFree(port + offset)))
    if (free.every(Boolean)) return port
  }
  throw new Error('no free ports')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer()
    listener.once('error', () => resolve(false))
    listener.listen(port, '127.0.0.1', () => listener.close(() => resolve(true)))
  })
}
