import type { StoreCapabilities } from '../../ports/object-store.ts'

const MiB = 2 ** 20

/** Small enough for four in flight beside each other, large enough that requests do not dominate. */
export const defaultPartBytes = 8 * MiB

/** Few parts keep Complete quick: RunPod's fails with thousands of them. */
const wantedParts = 1000

/** The size of the parts of an object of `sizeBytes` (if known), within what the store takes. */
export function partBytesFor(
  sizeBytes: number | undefined,
  { minPartBytes, maxPartBytes }: Pick<StoreCapabilities, 'minPartBytes' | 'maxPartBytes'>,
): number {
  const grown = sizeBytes === undefined ? 0 : Math.ceil(sizeBytes / wantedParts / MiB) * MiB
  return Math.min(Math.max(defaultPartBytes, grown, minPartBytes), maxPartBytes)
}
