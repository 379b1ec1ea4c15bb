import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Child } from '../../servers/child.ts'
import { startNode } from '../../servers/start-node.ts'

/** What a scenario starts and writes, all gone when it is stopped. */
export interface Workspace {
  readonly folder: string
  /** The environment of a service on a folder store of its own. */
  readonly env: { readonly DATA_DIR: string }
  /** Where the file of an object lies in that store. */
  fileOf(key: string): string
  startService(env?: Readonly<Record<string, string>>): Promise<Child>
  /** To be ended with the workspace; the last one first. */
  keep(stop: () => Promise<void>): void
  stop(): Promise<void>
}

export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'lora-storage-exports-'))
  const stops = [() => rm(folder, { recursive: true, force: true, maxRetries: 5 })]
  const env = { DATA_DIR: join(folder, 'data') }
  return {
    folder,
    env,
    fileOf: (key) => join(env.DATA_DIR, 'lora-dashboard', key),
    async startService(given = {}) {
      const service = await startNode({ ...env, ...given })
      stops.push(() => service.stop())
      return service
    },
    keep: (stop) => stops.push(stop),
    async stop() {
      for (const stop of stops.toReversed()) await stop()
    },
  }
}
