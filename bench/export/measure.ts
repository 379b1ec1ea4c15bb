import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Candidate } from './candidates.ts'
import type { Delivery } from './client/delivery.ts'
import type { Dataset } from './origin/dataset.ts'
import { forgetPeak, usageOf } from './process-usage.ts'

/** One dataset, delivered once. */
export interface Sample {
  readonly dataset: Dataset
  readonly prepareMs: number
  readonly delivery: Delivery
  /** From the request to the end of the body; what prepared it is not in it. */
  readonly cpuSeconds: number
  readonly peakBytes: number
}

const clientScript = join(import.meta.dirname, 'client/main.ts')

/**
 * Delivers to a client in a process of its own. `keepIn`: a file for the body. Throws where the answer is no success or breaks
 * off, and when `signal` is aborted.
 */
export async function measure(
  candidate: Candidate,
  dataset: Dataset,
  { keepIn, signal }: { keepIn?: string; signal?: AbortSignal } = {},
): Promise<Sample> {
  const { url, prepareMs } = await candidate.prepare(dataset, signal)
  forgetPeak(candidate.pid)
  const before = usageOf(candidate.pid)
  const delivery = await deliver(url, keepIn, signal)
  const after = usageOf(candidate.pid)
  if (delivery.status !== 200) throw new Error(`${candidate.name} answered ${delivery.status}`)
  if (delivery.contentLength !== undefined && delivery.contentLength !== delivery.bytes) {
    throw new Error(`${candidate.name} announced ${delivery.contentLength} bytes and sent ${delivery.bytes}`)
  }
  return {
    dataset,
    prepareMs,
    delivery,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakBytes: after.peakBytes,
  }
}

async function deliver(url: string, keepIn: string | undefined, signal: AbortSignal | undefined): Promise<Delivery> {
  const args = [clientScript, url, ...(keepIn === undefined ? [] : [keepIn])]
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal })
  return JSON.parse(stdout) as Delivery
}
