import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { compileCache } from '../../servers/compile-cache.ts'

const script = fileURLToPath(new URL('child.ts', import.meta.url))

export interface Child {
  readonly process: ChildProcess
  /** Whole lines said so far. */
  readonly lines: string[]
  /** The lines, when the process has ended; rejects with what it complained about unless it was killed or content. */
  readonly ended: Promise<string[]>
}

export function runChild(task: string, ...args: (string | number)[]): Child {
  const child = spawn(process.execPath, [script, task, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...compileCache },
  })
  const lines: string[] = []
  let rest = ''
  let complaint = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const pieces = (rest + text).split('\n')
    rest = pieces.pop() ?? ''
    lines.push(...pieces)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const ended = once(child, 'close').then(([code, killedBy]) => {
    if (code !== 0 && killedBy === null) throw new Error(complaint)
    return lines
  })
  return { process: child, lines, ended }
}
