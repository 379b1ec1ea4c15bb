import type { CallOptions, Condition, StoreCapabilities } from '../../ports/object-store.ts'
import type { S3Bucket } from './bucket.ts'
import { deletesConditionally, deletesInBatches, remembersMetadata, writesConditionally } from './probe-objects.ts'
import { servesSignedUrls } from './probe-signed-url.ts'
import { createTrial, holds, type Trial } from './probe-trial.ts'
import { abortsUploads, completesConditionally, listsParts } from './probe-uploads.ts'

const trials = {
  conditionalPut: writesConditionally,
  conditionalComplete: completesConditionally,
  conditionalDelete: deletesConditionally,
  batchDelete: deletesInBatches,
  listParts: listsParts,
  abortMultipart: abortsUploads,
  objectMetadata: remembersMetadata,
  presign: servesSignedUrls,
} satisfies Record<string, (trial: Trial) => Promise<boolean>>

type Tried = keyof typeof trials

const sizes = {
  minPartBytes: 5 * 2 ** 20,
  // Proxies in front of RunPod and R2 cut requests at 100 MB.
  maxPartBytes: 95 * 2 ** 20,
  maxParts: 10_000,
} as const

/** What the vendor says so plainly that it need not be tried. `endpoint` is the origin of the S3 API. */
export function capabilitiesOfEndpoint(endpoint: string): Partial<StoreCapabilities> {
  const { hostname } = new URL(endpoint)
  const runPod = hostname === 'runpod.io' || hostname.endsWith('.runpod.io')
  return runPod ? { presign: false, batchDelete: false } : {}
}

/**
 * Finds out by trying what is not `known`: about forty small requests, eight trials at a time, on about ten tiny objects
 * below `probe/{nonce}/`, which are then removed. Throws when the store cannot be used at all; the refusal of one thing
 * only means that the store cannot do that.
 */
export async function probeCapabilities(
  bucket: S3Bucket,
  { known, nonce, signal }: CallOptions & { known: Partial<StoreCapabilities>; nonce: string },
): Promise<StoreCapabilities> {
  const names = (Object.keys(trials) as Tried[]).filter((name) => known[name] === undefined)
  const seen = new Map<Tried, boolean>()
  if (names.length > 0) {
    const trial = await createTrial(bucket, { nonce, signal })
    // All are waited for before the first failure goes up, so that none of them writes after the cleaning.
    const results = await Promise.allSettled(
      names.map(async (name) => seen.set(name, await holds(trial, () => trials[name](trial)))),
    )
    await trial.clean()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
  const can = (name: Tried) => seen.get(name) ?? false
  const condition = (name: Tried): Condition => (can(name) ? 'atomic' : 'none')
  return {
    conditionalPut: condition('conditionalPut'),
    conditionalComplete: condition('conditionalComplete'),
    conditionalDelete: condition('conditionalDelete'),
    batchDelete: can('batchDelete'),
    listParts: can('listParts'),
    abortMultipart: can('abortMultipart'),
    objectMetadata: can('objectMetadata'),
    presign: can('presign'),
    ...sizes,
    ...known,
  }
}
