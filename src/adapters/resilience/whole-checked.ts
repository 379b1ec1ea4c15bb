import type { Digests } from '../../ports/digests.ts'
import { StoreUnavailable } from '../../ports/errors.ts'
import type { ReadObject } from '../../ports/object-store.ts'

/**
 * `found`, if its bytes have the checksum that their writer noted, as far as they are all of the object. Else throws what is
 * tried once more: what was damaged on its way may come right, and what lies there damaged does not.
 */
export function wholeChecked(found: ReadObject, crc32: Digests['crc32'] | undefined): ReadObject {
  const { meta, bytes } = found
  const noted = bytes.byteLength === meta.sizeBytes && bytes.byteLength > 0 ? meta.checksums?.crc32 : undefined
  if (crc32 === undefined || noted === undefined || crc32(bytes) === Number.parseInt(noted, 16)) return found
  throw new StoreUnavailable('the bytes do not have the checksum that was noted when they were stored', {
    blame: 'request',
    again: 'once',
  })
}
