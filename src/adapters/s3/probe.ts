import type { CallOptions, Condition, StoreCapabilities } from '../../ports/object-store.ts'
import type { S3Bucket } from './bucket.ts'
import {
  batchDeleteFault,
  deleteConditionFault,
  metadataFault,
  putConditionFault,
  refusesRightVersion,
} from './probe-objects.ts'
import { signedUrlFault } from './probe-signed-url.ts'
import { createTrial, faultIn, type Trial } from './probe-trial.ts'
import { abortFault, completeConditionFault, listPartsFault } from './probe-uploads.ts'

/** Each says what is wrong, or `undefined` when the store does it. */
const trials = {
  conditionalComplete: completeConditionFault,
  conditionalDelete: deleteConditionFault,
  batchDelete: batchDeleteFault,
  listParts: listPartsFault,
  abortMultipart: abortFault,
  objectMetadata: metadataFault,
  presign: signedUrlFault,
} satisfies Record<string, (trial: Trial) => Promise<string | undefined>>

const conditions: readonly Tried[] = ['conditionalComplete', 'conditionalDelete']

type Tried = keyof typeof trials | 'conditionalPut'

export interface ProbeResult {
  readonly capabilities: StoreCapabilities
  /** Whether If-Match is to be sent in quotes: as the bucket has it, unless the store understood only the other form. */
  readonly quotedConditions: boolean
  /** How the store showed that it lacks what was tried: "ignores If-Match on deletes". */
  readonly reasons: Readonly<Partial<Record<keyof StoreCapabilities, string>>>
}

/**
 * Finds out by trying what is not `known`: about fifty small requests, eight trials at a time, on about ten tiny objects
 * below `.probe/{nonce}/`, which are then removed. Throws when the store cannot be used at all; the refusal of one thing
 * only means that the store cannot do that.
 */
export async function probeCapabilities(
  bucket: S3Bucket,
  { known, nonce, signal }: CallOptions & { known: Partial<StoreCapabilities>; nonce: string },
): Promise<ProbeResult> {
  const isUnknown = (name: Tried) => known[name] === undefined
  const names = (Object.keys(trials) as (keyof typeof trials)[]).filter(isUnknown)
  let { quotedConditions } = bucket
  const seen = new Map<Tried, string | undefined>()
  if (names.length > 0 || isUnknown('conditionalPut')) {
    const trial = await createTrial(bucket, { nonce, signal })
    const putting = isUnknown('conditionalPut') ? tryForms(trial) : Promise.resolve({ trial, fault: undefined })
    const attempt = async (name: keyof typeof trials) => {
      const spoken = conditions.includes(name) ? (await putting).trial : trial
      seen.set(name, await faultIn(spoken, () => trials[name](spoken)))
    }
    // All are waited for before the first failure goes up, so that none of them writes after the cleaning.
    const [put, ...others] = await Promise.allSettled([putting, ...names.map(attempt)])
    await trial.clean()
    for (const result of [put, ...others]) if (result.status === 'rejected') throw result.reason
    if (put.status === 'fulfilled') {
      quotedConditions = put.value.trial.bucket.quotedConditions
      if (isUnknown('conditionalPut')) seen.set('conditionalPut', put.value.fault)
    }
  }
  const can = (name: Tried) => seen.has(name) && seen.get(name) === undefined
  const condition = (name: Tried): Condition => (can(name) ? 'atomic' : 'none')
  const reasons = Object.fromEntries([...seen].filter(([, fault]) => fault !== undefined))
  return {
    capabilities: {
      conditionalPut: condition('conditionalPut'),
      conditionalComplete: condition('conditionalComplete'),
      conditionalDelete: condition('conditionalDelete'),
      batchDelete: can('batchDelete'),
      listParts: can('listParts'),
      abortMultipart: can('abortMultipart'),
      objectMetadata: can('objectMetadata'),
      presign: can('presign'),
      ...bucket.dialect.parts,
      ...known,
    },
    quotedConditions,
    reasons,
  }
}

/** Conditional puts in the form that the bucket has, and in the other one where only that may do. */
async function tryForms(trial: Trial): Promise<{ trial: Trial; fault: string | undefined }> {
  const { quotedConditions } = trial.bucket
  const fault = await faultIn(trial, () => putConditionFault(trial, 'put'))
  if (fault !== refusesRightVersion) return { trial, fault }
  const other = trial.quoting(!quotedConditions)
  const otherFault = await faultIn(other, () => putConditionFault(other, 'put-again'))
  return otherFault === undefined ? { trial: other, fault: undefined } : { trial, fault }
}
