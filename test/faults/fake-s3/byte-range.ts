import { S3Error } from './s3-error.ts'

export interface ByteRange {
  readonly first: number
  /** Included. */
  readonly last: number
}

/**
 * What a Range header means for a body of that size. `undefined`: the whole body, as for no header, for several ranges
 * and for what is no range. Throws 416 when the range begins behind the end.
 */
export function resolveByteRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (header === undefined || from === undefined || to === undefined || (from === '' && to === '')) return undefined
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  const first = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from)
  const last = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1)
  if (first >= sizeBytes) {
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
      details: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
      headers: { 'content-range': `bytes */${sizeBytes}` },
    })
  }
  return { first, last }
}
