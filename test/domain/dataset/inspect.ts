import { parseConfig } from '../../../src/adapters/js-yaml/parse-config.ts'
import {
  defaultInspectionLimits,
  type InspectedFile,
  type InspectionLimits,
  startInspection,
} from '../../../src/domain/dataset/inspect-file.ts'
import { FileRejected, type RejectionCode } from '../../../src/domain/dataset/rejection.ts'

const limits: InspectionLimits = { ...defaultInspectionLimits, maxFileBytes: 2 ** 30 }

/** For tiny test images. */
export const anySide = { minImageSidePx: 1, maxImageSidePx: 2 ** 24 }

export type Verdict = InspectedFile | { readonly code: RejectionCode; readonly detail: string }

/** The whole inspection of one file. Errors that are no rejection are thrown, so that no test takes a crash for one. */
export function inspect(
  name: string,
  chunks: Iterable<Uint8Array>,
  overrides: Partial<InspectionLimits> = {},
): Verdict {
  try {
    const inspection = startInspection(name, { limits: { ...limits, ...overrides }, parseConfig })
    for (const chunk of chunks) inspection.push(chunk)
    return inspection.end()
  } catch (error) {
    if (!(error instanceof FileRejected)) throw error
    return { code: error.code, detail: error.message }
  }
}

export function* inChunks(bytes: Uint8Array, chunkBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

/** Splits at the given offsets, in any order, with empty chunks where they repeat. */
export function* splitAt(bytes: Uint8Array, offsets: readonly number[]): Generator<Uint8Array> {
  let at = 0
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    yield bytes.subarray(at, offset)
    at = offset
  }
  yield bytes.subarray(at)
}
