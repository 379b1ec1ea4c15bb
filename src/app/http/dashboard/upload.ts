import type { FileReport, UploadReport } from '../../../domain/dataset/upload-report.ts'
import { isKept } from '../../../domain/dataset/upload-report.ts'

/** The answer of `POST /upload/training-data`, with the members that the dashboard reads. */
export function uploadAnswer(report: UploadReport, { folder }: { folder: string }) {
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

function formatSize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
