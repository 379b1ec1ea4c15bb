import type { Checksums } from './object-store.ts'

/** Both checksums of bytes that pass by. `read` may be called once, after the last `update`. */
export interface RunningChecksums {
  update(bytes: Uint8Array): void
  read(): Checksums
}

export interface Digests {
  start(): RunningChecksums
  /** CRC-32 of `seed`'s bytes followed by `bytes`; as an unsigned number. */
  crc32(bytes: Uint8Array, seed?: number): number
  /** SHA-256, 64 lower-case hex digits. */
  sha256(bytes: Uint8Array): string
  /** MD5, 32 lower-case hex digits: no protection, but what S3 names most versions by. */
  md5(bytes: Uint8Array): string
}
