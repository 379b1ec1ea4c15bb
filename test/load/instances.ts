import { type Child, startChild } from '../servers/child.ts'
import { compileCache } from '../servers/compile-cache.ts'
import { npmStartArgs } from '../servers/npm-start.ts'
import type { SharedStore } from './stores.ts'

export interface Instances {
  readonly urls: readonly string[]
  /** Ends one as the kernel does, with SIGKILL, and starts it again on the same port. Not for workerd. */
  killOne(index: number): Promise<void>
  /** What they said on stderr and stdout: warnings and errors alone. */
  output(): string
  stop(): Promise<void>
}

export const instanceCount = 3
const startsMax = 5

/** Processes of the service on one store, or as many names of the one workerd. */
export async function startInstances({ reach }: Pick<SharedStore, 'reach'>): Promise<Instances> {
  if ('url' in reach) {
    const urls = Array.from({ length: instanceCount }, () => reach.url)
    const killOne = () => Promise.reject(new Error('workerd is the store, too'))
    return { urls, killOne, output: () => '', stop: async () => {} }
  }
  const start = (port: string): Promise<Child> =>
    startChild(npmStartArgs, {
      ready: /listens on (http\S+)/,
      env: {
        ...compileCache,
        ...{ LINK_SECRETS: `k1:${Buffer.alloc(32).toString('base64')}`, ...reach.env, PORT: port, LOG_LEVEL: 'warn' },
      },
    })
  const running = await Promise.all(Array.from({ length: instanceCount }, () => start('0')))
  const ended: string[] = []
  const urls = running.map(({ caught }) => caught)
  const restart = async (index: number): Promise<void> => {
    const victim = running[index]
    if (victim === undefined) return
    await victim.stop('SIGKILL')
    ended.push(victim.output())
    const { port } = new URL(victim.caught)
    // Somebody's connection may have been given its port meanwhile.
    for (let starts = 1; ; starts++) {
      const started = await start(port).catch((error: unknown) => {
        if (starts >= startsMax) throw error
      })
      if (started === undefined) continue
      running[index] = started
      return
    }
  }
  let restarting = Promise.resolve()
  return {
    urls,
    killOne(index) {
      restarting = restart(index)
      return restarting
    },
    output: () => [...ended, ...running.map((child) => child.output())].join(''),
    async stop() {
      await restarting.catch(() => {})
      await Promise.all(running.map((child) => child.stop('SIGKILL')))
    },
  }
}
