import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Digests } from '../../ports/digests.ts'

/** Checksums in native code, about 1 GB/s for both; the same on Node and on Workers with `nodejs_compat`. */
export function createDigests(): Digests {
  return {
    start() {
      const hash = createHash('sha256')
      let crc = 0
      return {
        update(bytes) {
          hash.update(bytes)
          crc = crc32(bytes, crc)
        },
        read() {
          return { crc32: crc.toString(16).padStart(8, '0'), sha256: hash.digest('hex') }
        },
      }
    },

    crc32(bytes, seed = 0) {
      return crc32(bytes, seed)
    },

    sha256(bytes) {
      return createHash('sha256').update(bytes).digest('hex')
    },

    md5(bytes) {
      return createHash('md5').update(bytes).digest('hex')
    },
  }
}
