import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Child, startChild } from '../../test/servers/child.ts'
import { npmStartArgs } from '../../test/servers/npm-start.ts'
import type { Dataset } from './origin/dataset.ts'

export interface Candidate {
  readonly name: CandidateName
  readonly pid: number
  /** Where the archive of a dataset is read, and how long it took to get there. */
  prepare(dataset: Dataset, signal?: AbortSignal): Promise<{ url: string; prepareMs: number }>
  stop(): Promise<void>
}

export const ours = 'lora-storage'
export const peers = ['archiver', 'client-zip', 'zip-js', 'yazl', 'fflate'] as const
/** They send no zip. */
export const floors = ['floor', 'floor-ahead'] as const
export const candidateNames = [ours, ...peers, ...floors] as const
export type CandidateName = (typeof candidateNames)[number]

const here = import.meta.dirname
const listening = /listens on (http\S+) /

export const credentials = { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' }

/** How the service finds the bucket of `originUrl`. */
export const serviceEnv = (originUrl: string) => ({
  STORE: 's3',
  S3_ENDPOINT_URL: originUrl,
  S3_BUCKET: 'bench',
  LINK_SECRETS: `bench:${randomBytes(32).toString('base64')}`,
  LOG_LEVEL: 'warn',
  ...credentials,
})

export function startOrigin(options: { latencyMs: number; answersAtOnce?: number }): Promise<Child> {
  const { latencyMs, answersAtOnce = 0 } = options
  return startChild([join(here, 'origin/main.ts')], {
    ready: listening,
    env: { LATENCY_MS: `${latencyMs}`, ANSWERS_AT_ONCE: `${answersAtOnce}` },
  })
}

/** A process of its own that reads from the bucket of `originUrl`. `nodeArgs` stand before its script. */
export async function startCandidate(
  name: CandidateName,
  {
    originUrl,
    nodeArgs = [],
    env = {},
  }: { originUrl: string; nodeArgs?: readonly string[]; env?: Readonly<Record<string, string>> },
): Promise<Candidate> {
  const isOurs = name === ours
  const args = isOurs ? npmStartArgs : [join(here, 'peers', `${name}.ts`)]
  const child = await startChild([...nodeArgs, ...args], {
    ready: listening,
    env: { ...(isOurs ? { PORT: '0', ...serviceEnv(originUrl) } : { S3_ENDPOINT_URL: originUrl }), ...env },
  })
  const prepare = preparing(name)
  return {
    name,
    pid: child.pid,
    prepare: (dataset, signal) => prepare(child.caught, dataset, signal),
    stop: () => child.stop(),
  }
}

/** What comes before the download, by a candidate's name and the URL that it listens on. */
export const preparing = (name: CandidateName) => (name === ours ? prepareExport : prepareNothing)

/** The selection is frozen first: every object is asked for its size, version and checksum. */
async function prepareExport(
  serviceUrl: string,
  { name }: Dataset,
  signal?: AbortSignal,
): Promise<{ url: string; prepareMs: number }> {
  const startedAtMs = performance.now()
  const answer = await fetch(`${serviceUrl}/v1/exports`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ include: [{ dataset: name }] }),
    ...(signal !== undefined && { signal }),
  })
  if (answer.status !== 201) throw new Error(`the export was not made: ${answer.status} ${await answer.text()}`)
  const { url } = (await answer.json()) as { url: string }
  return { url, prepareMs: performance.now() - startedAtMs }
}

async function prepareNothing(peerUrl: string, { name }: Dataset): Promise<{ url: string; prepareMs: number }> {
  return { url: `${peerUrl}/${name}.zip`, prepareMs: 0 }
}
