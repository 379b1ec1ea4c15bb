import { StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import { type RacingWrite, raceFault } from '../../ports/write-race.ts'
import { deleteBatch } from './deleting.ts'
import { neverAnEtag, type Trial } from './probe-trial.ts'
import { headObject } from './reading.ts'
import { deleteObject, putObject } from './writing.ts'

const racers = 4

/** Ceph before 20 and DigitalOcean Spaces, when the version comes in quotes. */
export const refusesRightVersion = 'refuses If-Match with the right version'

/** The status alone proves nothing: s3rver answers 200 and overwrites, so the bytes are looked at too. */
export async function putConditionFault(trial: Trial, name: string): Promise<string | undefined> {
  const { key, put, read } = trial
  const present = key(`${name}-present`)
  const absent = key(`${name}-absent`)
  const first = await put(present, 'first', 'if-absent')
  if (first === undefined) return 'refuses If-None-Match: * where nothing is'
  if ((await put(present, 'second', 'if-absent')) !== undefined || (await read(present)) !== 'first') {
    return 'ignores conditional writes: answers 200 to If-None-Match: * and overwrites'
  }
  if ((await put(present, 'third', { ifMatch: neverAnEtag })) !== undefined || (await read(present)) !== 'first') {
    return 'ignores If-Match on writes: another version was overwritten'
  }
  if ((await put(absent, 'fourth', { ifMatch: first })) !== undefined || (await read(absent)) !== undefined) {
    return 'ignores If-Match on writes where nothing is'
  }
  if ((await put(present, 'fifth', { ifMatch: first })) === undefined) return refusesRightVersion
  if ((await read(present)) !== 'fifth') return 'answers 200 to If-Match and does not write'
  return putRaceFault(trial, key(`${name}-race`))
}

/** Looking before writing passes every trial by one writer alone. */
async function putRaceFault({ bucket, read, signal }: Trial, subject: ObjectKey): Promise<string | undefined> {
  const race = async (body: string): Promise<RacingWrite> => {
    try {
      const options = { signal, contentType: 'text/plain', when: 'if-absent' } as const
      const { outcome } = await putObject(bucket, subject, new TextEncoder().encode(body), options)
      return { body, outcome }
    } catch (error) {
      if (error instanceof StoreUnavailable) return { body, outcome: 'unsent' }
      throw error
    }
  }
  const writes = await Promise.all(Array.from({ length: racers }, (_, i) => race(`racer ${i}`)))
  return raceFault(writes, await read(subject))
}

export async function deleteConditionFault(trial: Trial): Promise<string | undefined> {
  const { bucket, key, put, read, signal } = trial
  const subject = key('delete')
  const etag = await put(subject, 'still here', 'always')
  if (etag === undefined) return 'refuses a write without a condition'
  const stale = await deleteObject(bucket, subject, { signal, ifMatch: neverAnEtag })
  if (stale.outcome !== 'rejected' || (await read(subject)) !== 'still here') return 'ignores If-Match on deletes'
  const right = await deleteObject(bucket, subject, { signal, ifMatch: etag })
  const gone = right.outcome === 'applied' && (await read(subject)) === undefined
  return gone ? undefined : refusesRightVersion
}

export async function batchDeleteFault({ bucket, key, put, read, signal }: Trial): Promise<string | undefined> {
  const subjects = [key('batch-1'), key('batch-2')]
  for (const subject of subjects) await put(subject, 'x', 'always')
  const deleted = await deleteBatch(bucket, subjects, signal)
  const left = await Promise.all(subjects.map(read))
  const gone = deleted.length === subjects.length && left.every((body) => body === undefined)
  return gone ? undefined : 'answers 200 to DeleteObjects and keeps objects'
}

export async function metadataFault({ bucket, key, put, signal }: Trial): Promise<string | undefined> {
  const subject = key('metadata')
  const facts = {
    contentType: 'text/x-probe',
    checksums: { crc32: '0'.repeat(8), sha256: '0'.repeat(64) },
    attributes: { probe: 'yes' },
  }
  await put(subject, 'x', 'always', facts)
  const meta = await headObject(bucket, subject, { signal })
  if (meta?.contentType !== facts.contentType) return 'forgets the content type'
  const { checksums, attributes } = meta
  const kept =
    checksums?.crc32 === facts.checksums.crc32 &&
    checksums.sha256 === facts.checksums.sha256 &&
    attributes.probe === 'yes'
  return kept ? undefined : 'forgets x-amz-meta-*'
}
