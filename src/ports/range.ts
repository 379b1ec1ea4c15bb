import { RangeNotSatisfiable } from './errors.ts'
import type { Range } from './object-store.ts'

/** Where `range` lies in an object of `sizeBytes`. Throws `RangeNotSatisfiable` when not one byte of it exists. */
export function resolveRange(range: Range | undefined, sizeBytes: number): { offset: number; lengthBytes: number } {
  if (range === undefined) return { offset: 0, lengthBytes: sizeBytes }
  if ('suffixLength' in range) {
    const lengthBytes = Math.min(range.suffixLength, sizeBytes)
    if (lengthBytes === 0) throw new RangeNotSatisfiable(sizeBytes)
    return { offset: sizeBytes - lengthBytes, lengthBytes }
  }
  if (range.offset >= sizeBytes) throw new RangeNotSatisfiable(sizeBytes)
  const lengthBytes = Math.min(range.length ?? Number.POSITIVE_INFINITY, sizeBytes - range.offset)
  if (lengthBytes <= 0) throw new RangeNotSatisfiable(sizeBytes)
  return { offset: range.offset, lengthBytes }
}
