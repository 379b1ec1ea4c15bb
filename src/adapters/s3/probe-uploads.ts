import type { ObjectKey } from '../../ports/object-key.ts'
import type { MultipartUpload, Part, PutCondition } from '../../ports/object-store.ts'
import { abortUpload, completeUpload, createUpload, listUploadedParts, uploadPart } from './multipart.ts'
import { refusesRightVersion } from './probe-objects.ts'
import { neverAnEtag, type Trial } from './probe-trial.ts'

const abortMs = 10_000

/** Opens an upload of one part for `use`. Whatever comes of it, no upload stays open where the store can end one. */
async function withUpload<Result>(
  trial: Trial,
  key: ObjectKey,
  body: string,
  use: (upload: MultipartUpload, part: Part) => Promise<Result>,
): Promise<Result> {
  const { bucket, signal } = trial
  const upload = await createUpload(bucket, key, { signal, contentType: 'text/plain' })
  try {
    return await use(upload, await uploadPart(bucket, upload, 1, new TextEncoder().encode(body), { signal }))
  } finally {
    // A signal of its own: also behind a caller who has left. Nothing where it is completed or aborted already.
    await abortUpload(bucket, upload, { signal: AbortSignal.timeout(abortMs) }).catch(() => {})
  }
}

export function listPartsFault(trial: Trial): Promise<string | undefined> {
  return withUpload(trial, trial.key('parts'), 'x', async (upload, part) => {
    const listed = await listUploadedParts(trial.bucket, upload, trial)
    const right = listed.length === 1 && listed[0]?.partNumber === 1 && listed[0].etag === part.etag
    return right ? undefined : 'lists other parts than those that were sent'
  })
}

export function abortFault(trial: Trial): Promise<string | undefined> {
  return withUpload(trial, trial.key('aborted'), 'x', async (upload) => {
    await abortUpload(trial.bucket, upload, trial)
    return undefined
  })
}

export async function completeConditionFault(trial: Trial): Promise<string | undefined> {
  const { bucket, key, put, read, signal } = trial
  const subject = key('complete')
  const first = await put(subject, 'first', 'always')
  if (first === undefined) return 'refuses a write without a condition'

  // A new upload for each: servers differ in whether a refused one stays open.
  const complete = (body: string, when: PutCondition) =>
    withUpload(trial, subject, body, (upload, part) =>
      trial.joining(subject, body, () => completeUpload(bucket, upload, [part], { signal, when })),
    )
  if ((await complete('second', 'if-absent')) !== 'rejected') {
    return 'ignores If-None-Match: * when an upload is completed'
  }
  if ((await complete('third', { ifMatch: neverAnEtag })) !== 'rejected' || (await read(subject)) !== 'first') {
    return 'ignores If-Match when an upload is completed'
  }
  const applied = (await complete('fourth', { ifMatch: first })) === 'applied' && (await read(subject)) === 'fourth'
  return applied ? undefined : refusesRightVersion
}
