import type { ObjectKey } from '../../ports/object-key.ts'
import type { PutCondition } from '../../ports/object-store.ts'
import { abortUpload, completeUpload, createUpload, listUploadedParts, uploadPart } from './multipart.ts'
import { neverAnEtag, type Trial } from './probe-trial.ts'

async function openUpload({ bucket, signal }: Trial, key: ObjectKey, body: string) {
  const upload = await createUpload(bucket, key, { signal, contentType: 'text/plain' })
  const part = await uploadPart(bucket, upload, 1, new TextEncoder().encode(body), { signal })
  return { upload, part }
}

export async function listsParts(trial: Trial): Promise<boolean> {
  const { upload, part } = await openUpload(trial, trial.key('parts'), 'x')
  const listed = await listUploadedParts(trial.bucket, upload, trial)
  await abortUpload(trial.bucket, upload, trial).catch(() => {})
  return listed.length === 1 && listed[0]?.partNumber === 1 && listed[0].etag === part.etag
}

export async function abortsUploads(trial: Trial): Promise<boolean> {
  const { upload } = await openUpload(trial, trial.key('aborted'), 'x')
  await abortUpload(trial.bucket, upload, trial)
  return true
}

export async function completesConditionally(trial: Trial): Promise<boolean> {
  const { bucket, key, put, read, signal } = trial
  const subject = key('complete')
  const first = await put(subject, 'first', 'always')
  if (first === undefined) return false

  // A new upload for each: servers differ in whether a refused one stays open.
  const complete = async (body: string, when: PutCondition) => {
    const { upload, part } = await openUpload(trial, subject, body)
    const { outcome } = await completeUpload(bucket, upload, [part], { signal, when })
    if (outcome === 'rejected') await abortUpload(bucket, upload, trial).catch(() => {})
    return outcome
  }
  if ((await complete('second', 'if-absent')) !== 'rejected') return false
  if ((await complete('third', { ifMatch: neverAnEtag })) !== 'rejected') return false
  if ((await read(subject)) !== 'first') return false
  return (await complete('fourth', { ifMatch: first })) === 'applied' && (await read(subject)) === 'fourth'
}
