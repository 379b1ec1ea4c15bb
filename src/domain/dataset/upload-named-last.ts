import type { Clock } from '../../ports/clock.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { Ids } from '../../ports/ids.ts'
import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { deletePrefix } from '../object/delete-objects.ts'
import { sweepPrefix } from '../object/sweep-prefix.ts'
import type { DatasetName } from './dataset-name.ts'
import { type IncomingPart, type ReceiveFormDeps, receiveForm } from './receive-form.ts'
import { type FileReport, isKept, totalsOf, type UploadReport } from './upload-report.ts'
import { uploadTrainingFiles } from './upload-training-files.ts'

export const waitingPrefix = 'uploads/waiting/'
/** Longer than any upload takes: what waits longer was left by an instance that died. */
export const maxWaitingMs = 86_400_000

export interface Destination {
  readonly dataset: DatasetName
  readonly triggerWord: string
  readonly mode: 'merge' | 'replace'
}

/**
 * The batch upload for forms that say only behind their files where those belong. The files wait, checked, under a prefix
 * of their own and then go the ordinary way from there; nothing of them is held in memory. A new small file costs four
 * store calls: PUT, GET, PUT, and its share of a batch delete.
 */
export async function uploadNamedLast(
  deps: ReceiveFormDeps & { ids: Ids; clock: Clock },
  parts: AsyncIterable<IncomingPart>,
  destinationOf: (fields: ReadonlyMap<string, string>) => Destination,
  { signal }: CallOptions,
): Promise<UploadReport> {
  const { store, ids, clock, log } = deps
  const waiting = `${waitingPrefix}${ids.next()}/`
  try {
    const { files, fields } = await receiveForm(deps, parts, { prefix: waiting, existing: new Map(), signal })
    const { dataset, ...formFields } = destinationOf(fields)
    const moved = await uploadTrainingFiles(deps, dataset, waitingParts(store, files, formFields, signal), { signal })
    await sweepPrefix({ store, log }, waitingPrefix, { maxAgeMs: maxWaitingMs, nowMs: clock.nowMs(), signal })
    return merged(files, moved)
  } finally {
    // A signal of its own: a client that leaves must not leave its files behind.
    await deletePrefix(store, waiting, { signal: new AbortController().signal }).catch((error: unknown) =>
      log.warn('waiting-files-not-removed', { error }),
    )
  }
}

async function* waitingParts(
  store: ObjectStore,
  files: readonly FileReport[],
  { triggerWord, mode }: Omit<Destination, 'dataset'>,
  signal: AbortSignal,
): AsyncGenerator<IncomingPart> {
  // A refused file keeps `replace` from removing anything, here as in every upload.
  yield { type: 'field', name: 'mode', value: files.every(isKept) ? mode : 'merge' }
  yield { type: 'field', name: 'triggerWord', value: triggerWord }
  for (const { name, key, etag } of files) {
    if (key === undefined || etag === undefined) continue
    const object = await store.get(key, { ifMatch: etag, signal })
    // Without it the upload must not go on: `replace` would take its absence for the sender's wish.
    if (object === undefined) throw new StoreUnavailable('a waiting file is gone')
    yield { type: 'file', fileName: name, body: object.body as unknown as AsyncIterable<Uint8Array> }
  }
}

/** Refused files keep their place in the order of the request; the others say what became of them in the dataset. */
function merged(files: readonly FileReport[], moved: UploadReport): UploadReport {
  const arrived = new Map(moved.files.map((file) => [file.name, file]))
  const all = files.map((file): FileReport => {
    if (!isKept(file)) return file
    const problem = { code: 'store-unavailable', detail: 'the store lost the file on its way; send it again' }
    return arrived.get(file.name) ?? { name: file.name, status: 'failed', problem }
  })
  return { ...moved, files: all, totals: totalsOf(all) }
}
