// Starts a service on a temporary folder, does the main job against it and says how long each step took.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { npmStartArgs } from '../test/servers/npm-start.ts'
import { runMainJob } from './main-job.ts'

const root = join(import.meta.dirname, '..')
const dataDir = await mkdtemp(join(tmpdir(), 'lora-storage-demo-'))
const service = spawn(process.execPath, npmStartArgs, {
  cwd: root,
  env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'error' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = new Promise<void>((resolve) => service.once('exit', () => resolve()))

async function serviceUrl(): Promise<string> {
  for await (const line of createInterface({ input: service.stdout })) {
    const url = /listens on (http\S+)/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error('the service did not start')
}

let exitCode = 0
const startedAt = performance.now()
try {
  const baseUrl = await serviceUrl()
  console.log(`service on ${baseUrl}, data in ${dataDir}`)
  const samples = join(root, 'test/data/training-set')
  const onStep = (step: string, durationMs: number) => console.log(`${durationMs.toFixed(0).padStart(6)} ms  ${step}`)
  const { files, zipBytes } = await runMainJob({ baseUrl, samples, onStep })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`done: ${files} files and a zip of ${zipBytes} bytes, every byte as it was sent, in ${seconds} s`)
} catch (error) {
  exitCode = 1
  console.log(`FAILED: ${error instanceof Error ? error.message : String(error)}`)
} finally {
  service.kill('SIGTERM')
  await ended
  await rm(dataDir, { recursive: true, force: true })
}
process.exit(exitCode)
