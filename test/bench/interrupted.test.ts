import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { repository } from '../servers/child.ts'

/** The store, the service, a peer, and the client that reads from one of them. */
const whenMeasuring = 4

const childrenOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)

it.runIf(process.platform === 'linux').each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends a measurement of exports with all that it has started',
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-interrupted-'))
    const args = ['bench/export.ts', '--case', 'b', '--only', 'client-zip']
    const bench = spawn(process.execPath, args, {
      cwd: repository,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: folder },
      stdio: 'ignore',
    })
    const ended = once(bench, 'exit')
    try {
      let children: string[] = []
      while (children.length < whenMeasuring) {
        await sleep(20)
        children = childrenOf(bench.pid ?? 0)
      }
      bench.kill(signal)

      expect(await ended).toEqual([130, null])
      expect(children.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
      expect(await readdir(folder)).toEqual([])
    } finally {
      bench.kill('SIGKILL')
      await rm(folder, { recursive: true })
    }
  },
)
