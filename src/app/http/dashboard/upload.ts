import type { ReceiveFormDeps } from '../../../domain/dataset/receive-form.ts'
import { uploadNamedLast } from '../../../domain/dataset/upload-named-last.ts'
import { type FileReport, isKept, type UploadReport } from '../../../domain/dataset/upload-report.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { Digests } from '../../../ports/digests.ts'
import type { Ids } from '../../../ports/ids.ts'
import { formOf, type ReadForm } from '../form-body.ts'
import type { DashboardCall } from './call.ts'
import { formatSize } from './size.ts'
import { datasetForTraining } from './training-name.ts'

export interface UploadCallDeps extends ReceiveFormDeps {
  readonly readForm: ReadForm
  readonly ids: Ids
  readonly clock: Clock
  readonly digests: Digests
  /** Before the keys of the store, as the folder is called on a mounted volume. */
  readonly storePrefix: string
}

export function uploadCalls(deps: UploadCallDeps): DashboardCall[] {
  const { digests, clock, storePrefix } = deps
  return [
    {
      method: 'POST',
      path: '/upload/training-data',
      async answer(c) {
        const report = await uploadNamedLast(
          deps,
          formOf(c, deps.readForm),
          (fields) => ({
            dataset: datasetForTraining(fields.get('training_name') ?? '', { digests, nowMs: clock.nowMs() }),
            triggerWord: fields.get('trigger_word') ?? '',
            mode: fields.get('cleanup_existing') === 'true' ? 'replace' : 'merge',
          }),
          { signal: c.var.signal },
        )
        const answer = uploadAnswer(report, { folder: `${storePrefix}/dataset/${report.dataset}` })
        if (report.files.some(isKept)) return c.json(answer)
        const message = report.files.length === 0 ? 'The form has no files.' : answer.data.detailed_message
        return c.json({ ...answer, success: false, message }, 422)
      },
    },
  ]
}

/** The answer of `POST /upload/training-data`, with the members that the dashboard reads. */
function uploadAnswer(report: UploadReport, { folder }: { folder: string }) {
  const { files, totals, dataset } = report
  const refused = files.filter((file) => !isKept(file))
  const stored = `Stored ${count(totals.images, 'image')} and ${count(totals.captions, 'caption')} in ${dataset}.`
  const problems = refused.map(({ name, problem }) => `${name}: ${problem?.detail ?? 'not stored'}`)
  return {
    success: true,
    message: stored,
    data: {
      training_folder: folder,
      total_images: totals.images,
      total_captions: totals.captions,
      total_size: totals.bytes,
      total_size_formatted: formatSize(totals.bytes),
      uploaded_files: files.filter(isKept).map((file) => uploadedFile(file, folder)),
      detailed_message: [stored, ...problems].join(' '),
      debug_info: {
        total_files_failed: refused.length,
        all_files_failed: refused.length === files.length,
        failed_files: refused.map(({ name, problem }) => ({ filename: name, error: problem?.detail ?? '' })),
      },
    },
  }
}

function uploadedFile({ name, sizeBytes = 0, kind }: FileReport, folder: string) {
  return {
    filename: name,
    size: sizeBytes,
    size_formatted: formatSize(sizeBytes),
    path: `${folder}/${name}`,
    file_type: kind === 'image' || kind === 'caption' ? kind : 'other',
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
