import type { Digests } from '../../ports/digests.ts'
import { StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import type { ReadObject } from '../../ports/object-store.ts'

/**
 * Passes on what all attempts of one call find, if its bytes have the checksum that their writer noted, as far as they are
 * all of the object. Else throws: what was damaged on its way may come right the next time, what is damaged twice lies so.
 */
export function createWholeCheck(crc32: Digests['crc32'] | undefined): (found: ReadObject) => ReadObject {
  let damaged = false
  return (found) => {
    const { meta, bytes } = found
    const noted = bytes.byteLength === meta.sizeBytes && bytes.byteLength > 0 ? meta.checksums?.crc32 : undefined
    if (crc32 === undefined || noted === undefined || crc32(bytes) === Number.parseInt(noted, 16)) return found
    const message = 'the bytes do not have the checksum that was noted when they were stored'
    if (damaged) throw new StoreMisbehaved(message)
    damaged = true
    throw new StoreUnavailable(message, { blame: 'request' })
  }
}
