import { CodedError } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { Checksums, ETag } from '../../ports/object-store.ts'
import type { DatasetName } from './dataset-name.ts'
import type { FileKind } from './file-kind.ts'

/**
 * `stored`: written now. `unchanged`: the same bytes were there under the same name, nothing was written. `rejected`: not
 * acceptable as it is. `failed`: acceptable, but the store did not take it; sending it again may work.
 */
export type FileStatus = 'stored' | 'unchanged' | 'rejected' | 'failed'

export interface FileReport {
  /** In Unicode form C when it is a valid name, else as it was sent. */
  readonly name: string
  readonly status: FileStatus
  readonly kind?: FileKind
  readonly key?: ObjectKey
  readonly sizeBytes?: number
  readonly etag?: ETag
  readonly checksums?: Checksums
  readonly width?: number
  readonly height?: number
  readonly problem?: { readonly code: string; readonly detail: string }
}

export interface UploadWarning {
  readonly code: string
  readonly file: string
  readonly detail: string
}

export interface UploadTotals {
  readonly files: number
  readonly stored: number
  readonly unchanged: number
  readonly rejected: number
  readonly failed: number
  /** Of the files that are in the dataset now. */
  readonly images: number
  readonly captions: number
  readonly bytes: number
}

export interface UploadReport {
  readonly dataset: DatasetName
  readonly prefix: string
  readonly triggerWord: string | null
  /** In the order of the request. */
  readonly files: readonly FileReport[]
  readonly totals: UploadTotals
  readonly warnings: readonly UploadWarning[]
}

/** A form field with a value that it cannot have. */
export class InvalidField extends CodedError {
  readonly code = 'invalid-request'
  readonly field: string

  constructor(field: string, message: string) {
    super(`${field}: ${message}`)
    this.field = field
  }
}

export function isKept({ status }: FileReport): boolean {
  return status === 'stored' || status === 'unchanged'
}

export function totalsOf(files: readonly FileReport[]): UploadTotals {
  const count = (matches: (file: FileReport) => boolean) => files.filter(matches).length
  const kept = files.filter(isKept)
  return {
    files: files.length,
    stored: count(({ status }) => status === 'stored'),
    unchanged: count(({ status }) => status === 'unchanged'),
    rejected: count(({ status }) => status === 'rejected'),
    failed: count(({ status }) => status === 'failed'),
    images: kept.filter(({ kind }) => kind === 'image').length,
    captions: kept.filter(({ kind }) => kind === 'caption').length,
    bytes: kept.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0),
  }
}
