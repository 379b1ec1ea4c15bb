import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

export const repository = join(import.meta.dirname, '../..')

export interface Child {
  readonly pid: number
  /** What the pattern caught in the output. */
  readonly caught: string
  /** Everything that was printed so far. */
  output(): string
  stop(signal?: NodeJS.Signals): Promise<void>
}

/**
 * Starts `program`, or else this `node`, with these arguments and waits until its output has `ready`, whose first group is
 * returned. Throws with the output when it ends before, or is not ready in `readyMs`.
 */
export async function startChild(
  args: readonly string[],
  options: { program?: string; ready: RegExp; env?: Readonly<Record<string, string>>; readyMs?: number },
): Promise<Child> {
  const child = spawn(options.program ?? process.execPath, args, {
    cwd: repository,
    // Only what the machine itself needs: no variable of whoever runs the tests configures a service.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Some of our children have children: they end together.
    detached: true,
  })
  let output = ''
  const caught = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${args.join(' ')} ${why}:\n${output}`))
    const timer = setTimeout(() => fail('was not ready in time'), options.readyMs ?? 30_000)
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const match = options.ready.exec(output)
      if (match === null) return
      clearTimeout(timer)
      resolve(match[1] ?? '')
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code) => fail(`ended with ${code}`))
  }).catch((error: unknown) => {
    killGroup(child, 'SIGKILL')
    throw error
  })
  return {
    pid: child.pid ?? 0,
    caught,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      killGroup(child, signal)
      await ended
    },
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
