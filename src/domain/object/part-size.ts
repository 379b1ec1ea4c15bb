import type { StoreCapabilities } from '../../ports/object-store.ts'
import { TooLarge } from '../errors.ts'

const MiB = 2 ** 20

/** Small enough for four in flight beside each other, large enough that requests do not dominate. */
export const defaultPartBytes = 8 * MiB

/** Few parts keep Complete quick: RunPod's fails with thousands of them. */
const wantedParts = 1000

/** How an object is cut. */
export interface PartPlan {
  readonly partBytes: number
  /** What `partBytes` times the number of parts that the store joins comes to: the largest object that can be made so. */
  readonly objectBytesMax: number
}

/**
 * The parts of an object of `sizeBytes` (if known), within what the store takes: larger for larger objects, and of one size,
 * as R2 wants it. Throws `TooLarge` for more than the store can join.
 */
export function planParts(
  sizeBytes: number | undefined,
  { minPartBytes, maxPartBytes, maxParts }: Pick<StoreCapabilities, 'minPartBytes' | 'maxPartBytes' | 'maxParts'>,
): PartPlan {
  if (sizeBytes !== undefined && sizeBytes > maxPartBytes * maxParts) {
    throw new TooLarge(`more than ${maxPartBytes * maxParts} bytes, which is all that this store can join`)
  }
  const grown = Math.ceil((sizeBytes ?? 0) / Math.min(wantedParts, maxParts) / MiB) * MiB
  const partBytes = Math.min(Math.max(defaultPartBytes, grown, minPartBytes), maxPartBytes)
  return { partBytes, objectBytesMax: partBytes * maxParts }
}
