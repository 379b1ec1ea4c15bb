import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { compileCache } from '../servers/compile-cache.ts'
import { npmStartArgs } from '../servers/npm-start.ts'

const repository = join(import.meta.dirname, '../..')

export interface Start {
  readonly command: readonly [string, ...string[]]
  readonly cwd: string
  /** Beside `PATH` and the compile cache, its whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly uid?: number
}

export interface StartedProcess {
  readonly pid: number
  /** Where it listens; rejects with all that it said when it ends without listening. */
  readonly url: Promise<string>
  /** Its exit code; `null` when a signal ended it. */
  readonly ended: Promise<number | null>
  stdout(): string
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** Resolves when stdout has this. */
  said(pattern: RegExp): Promise<void>
}

/** Tests that run side by side give their own `atTheEnd`. */
type AtTheEnd = (work: () => Promise<void>) => void

/** The service as `npm start` runs it, with nothing set but `env`: a free port unless `PORT` says otherwise. */
export function startService(env: Readonly<Record<string, string>>, atTheEnd?: AtTheEnd): StartedProcess {
  return startProcess(
    {
      command: [process.execPath, ...npmStartArgs],
      cwd: repository,
      env: { PORT: '0', LOG_LEVEL: 'warn', ...env },
    },
    atTheEnd,
  )
}

/** Killed at the end of the test, if it still runs. */
export function startProcess(
  { command: [program, ...args], cwd, env, uid }: Start,
  atTheEnd: AtTheEnd = onTestFinished,
): StartedProcess {
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, ...compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code ?? null)
  atTheEnd(async () => {
    child.kill('SIGKILL')
    await ended
  })

  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(stdout)) resolve()
      }
      child.stdout.on('data', look)
      ended.then(
        (code) => reject(new Error(`ended with ${code} before it said ${pattern}:\n${stdout}${stderr}`)),
        reject,
      )
      look()
    })
  const url = said(/listens on http\S+ /).then(() => /listens on (http\S+) /.exec(stdout)?.[1] ?? '')
  // Who waits for the end alone does not ask where it listens.
  url.catch(() => {})
  return {
    pid: child.pid ?? 0,
    url,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => child.kill(signal),
    said,
  }
}
