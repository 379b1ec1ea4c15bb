import { deleteBatch } from './deleting.ts'
import { neverAnEtag, type Trial } from './probe-trial.ts'
import { headObject } from './reading.ts'
import { deleteObject } from './writing.ts'

/** The status alone proves nothing: s3rver answers 200 and overwrites, so the bytes are looked at too. */
export async function writesConditionally({ key, put, read }: Trial): Promise<boolean> {
  const present = key('put')
  const absent = key('put-absent')
  const first = await put(present, 'first', 'if-absent')
  if (first === undefined) return false
  const refused =
    (await put(present, 'second', 'if-absent')) === undefined &&
    (await put(present, 'third', { ifMatch: neverAnEtag })) === undefined &&
    (await put(absent, 'fourth', { ifMatch: first })) === undefined
  if (!refused || (await read(present)) !== 'first' || (await read(absent)) !== undefined) return false
  // Ceph before 20 refuses the right version too, when it comes in quotes.
  return (await put(present, 'fifth', { ifMatch: first })) !== undefined && (await read(present)) === 'fifth'
}

export async function deletesConditionally({ bucket, key, put, read, signal }: Trial): Promise<boolean> {
  const subject = key('delete')
  const etag = await put(subject, 'still here', 'always')
  if (etag === undefined) return false
  const stale = await deleteObject(bucket, subject, { signal, ifMatch: neverAnEtag })
  if (stale.outcome !== 'rejected' || (await read(subject)) !== 'still here') return false
  const right = await deleteObject(bucket, subject, { signal, ifMatch: etag })
  return right.outcome === 'applied' && (await read(subject)) === undefined
}

export async function deletesInBatches({ bucket, key, put, read, signal }: Trial): Promise<boolean> {
  const subjects = [key('batch-1'), key('batch-2')]
  for (const subject of subjects) await put(subject, 'x', 'always')
  const deleted = await deleteBatch(bucket, subjects, signal)
  const left = await Promise.all(subjects.map(read))
  return deleted.length === subjects.length && left.every((body) => body === undefined)
}

export async function remembersMetadata({ bucket, key, put, signal }: Trial): Promise<boolean> {
  const subject = key('metadata')
  const facts = {
    contentType: 'text/x-probe',
    checksums: { crc32: '0'.repeat(8), sha256: '0'.repeat(64) },
    attributes: { probe: 'yes' },
  }
  await put(subject, 'x', 'always', facts)
  const meta = await headObject(bucket, subject, { signal })
  return (
    meta?.contentType === facts.contentType &&
    meta.checksums?.crc32 === facts.checksums.crc32 &&
    meta.checksums.sha256 === facts.checksums.sha256 &&
    meta.attributes.probe === 'yes'
  )
}
