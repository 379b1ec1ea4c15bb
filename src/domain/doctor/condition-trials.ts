import { StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ObjectStore, PutCondition } from '../../ports/object-store.ts'
import { type RacingWrite, raceFault } from '../../ports/write-race.ts'
import { neverAnEtag, putPlain, putText, readText, type TrialFolder } from './trial-folder.ts'

export type ConditionName = 'conditionalPut' | 'conditionalComplete' | 'conditionalDelete'
export const conditionNames: readonly ConditionName[] = ['conditionalPut', 'conditionalComplete', 'conditionalDelete']

/** `violated`: proof that the store does not decide. `refused`: it did not do what it should have; the next try may. */
export interface ConditionFault {
  readonly kind: 'violated' | 'refused'
  readonly detail: string
}

export interface Racing {
  readonly writers: number
  readonly rounds: number
}

const violated = (detail: string): ConditionFault => ({ kind: 'violated', detail })
const refused = (detail: string): ConditionFault => ({ kind: 'refused', detail })

/** What is wrong with a condition that the store was seen to have; `undefined` when nothing is. */
export function conditionFault(
  name: ConditionName,
  folder: TrialFolder,
  options: CallOptions & Racing,
): Promise<ConditionFault | undefined> {
  switch (name) {
    case 'conditionalPut':
      return putConditionFault(folder, options)
    case 'conditionalComplete':
      return completeConditionFault(folder, options)
    case 'conditionalDelete':
      return deleteConditionFault(folder, options)
  }
}

/** Conditional puts one after the other and racing. About 9 calls, and `writers + 2` for each of two races a round. */
async function putConditionFault(
  { store, key }: TrialFolder,
  { signal, writers, rounds }: CallOptions & Racing,
): Promise<ConditionFault | undefined> {
  const subject = key('put')
  const absent = key('put-absent')
  const first = await putText(store, subject, 'first', { signal, when: 'if-absent' })
  if (first === undefined) return refused('if-absent was refused where nothing is')
  if ((await putText(store, subject, 'second', { signal, when: 'if-absent' })) !== undefined) {
    return violated('if-absent overwrote an object')
  }
  if ((await putText(store, subject, 'third', { signal, when: { ifMatch: neverAnEtag } })) !== undefined) {
    return violated('if-match overwrote another version')
  }
  if ((await putText(store, absent, 'fourth', { signal, when: { ifMatch: first } })) !== undefined) {
    return violated('if-match wrote where nothing is')
  }
  if ((await readText(store, subject, { signal })) !== 'first') return violated('a refused write was stored')
  const fifth = await putText(store, subject, 'fifth', { signal, when: { ifMatch: first } })
  if (fifth === undefined) return refused('if-match refused the right version')
  if ((await putText(store, subject, 'sixth', { signal, when: { ifMatch: first } })) !== undefined) {
    return violated('if-match overwrote a later version')
  }
  for (let round = 0; round < rounds; round++) {
    const raced = key(`put-race-${round}`)
    const created = await race(store, raced, 'if-absent', writers, signal)
    if (created !== undefined) return violated(`if-absent: ${created}`)
    const current = await store.head(raced, { signal })
    const base = current?.etag ?? (await putPlain(store, raced, 'base', { signal }))
    const replaced = await race(store, raced, { ifMatch: base }, writers, signal)
    if (replaced !== undefined) return violated(`if-match: ${replaced}`)
  }
  return undefined
}

async function race(store: ObjectStore, key: ObjectKey, when: PutCondition, writers: number, signal: AbortSignal) {
  const name = when === 'if-absent' ? 'creator' : 'replacer'
  const write = async (body: string): Promise<RacingWrite> => {
    try {
      const options = { signal, when, contentType: 'text/plain' }
      const { outcome } = await store.put(key, new TextEncoder().encode(body), options)
      return { body, outcome }
    } catch (error) {
      if (error instanceof StoreUnavailable) return { body, outcome: 'unsent' }
      throw error
    }
  }
  const writes = await Promise.all(Array.from({ length: writers }, (_, i) => write(`${name} ${i}`)))
  return raceFault(writes, await readText(store, key, { signal }))
}

/** Conditional deletes, one after the other. Six calls. */
async function deleteConditionFault(
  { store, key }: TrialFolder,
  { signal }: CallOptions,
): Promise<ConditionFault | undefined> {
  const subject = key('delete')
  const etag = await putPlain(store, subject, 'still here', { signal })
  const remove = async (ifMatch: ETag) => {
    const deleted = await store.delete(subject, { signal, ifMatch })
    if (deleted.outcome === 'unknown') throw deleted.cause
    return deleted.outcome
  }
  if ((await remove(neverAnEtag)) === 'applied') return violated('if-match deleted another version')
  if ((await readText(store, subject, { signal })) !== 'still here') return violated('a refused delete was done')
  if ((await remove(etag)) === 'rejected') return refused('if-match refused the right version')
  return (await store.head(subject, { signal })) === undefined ? undefined : refused('what was deleted is still there')
}

/** Conditional completion of uploads, one after the other. About 14 calls. */
async function completeConditionFault(
  { store, key }: TrialFolder,
  { signal }: CallOptions,
): Promise<ConditionFault | undefined> {
  const subject = key('complete')
  const first = await putPlain(store, subject, 'first', { signal })
  const complete = async (body: string, when: PutCondition) => {
    const upload = await store.createMultipart(subject, { signal, contentType: 'text/plain' })
    const part = await store.putPart(upload, 1, new TextEncoder().encode(body), { signal })
    const completed = await store.completeMultipart(upload, [part], { signal, when })
    if (completed.outcome === 'unknown') throw completed.cause
    if (completed.outcome === 'rejected') await store.abortMultipart(upload, { signal }).catch(() => {})
    return completed.outcome
  }
  if ((await complete('second', 'if-absent')) === 'applied') return violated('if-absent overwrote an object')
  if ((await complete('third', { ifMatch: neverAnEtag })) === 'applied') {
    return violated('if-match overwrote another version')
  }
  if ((await readText(store, subject, { signal })) !== 'first') return violated('a refused upload was completed')
  if ((await complete('fourth', { ifMatch: first })) === 'rejected')
    return refused('if-match refused the right version')
  return (await readText(store, subject, { signal })) === 'fourth'
    ? undefined
    : refused('what was completed is not there')
}
