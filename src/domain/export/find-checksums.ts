import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import type { Log } from '../../ports/log.ts'
import type { CallOptions, Crc32Piece, ObjectMeta, ObjectStore } from '../../ports/object-store.ts'
import { combineCrc32 } from '../object/crc32-combine.ts'
import type { KnownChecksums, ObjectRecords } from '../object/object-record.ts'

export interface FindChecksumsDeps {
  readonly store: ObjectStore
  readonly records: ObjectRecords
  readonly digests: Digests
  readonly clock: Clock
  readonly log: Log
}

/** What may be read for checksums while somebody waits for the answer that an export was made. */
export interface ReadingBudget {
  /** Larger objects are not read. */
  readonly objectBytes: number
  /** Of all objects together. */
  readonly totalBytes: number
  /** After this long no further object is read, and one that is being read is left. */
  readonly totalMs: number
}

const MiB = 2 ** 20

export const defaultReadingBudget: ReadingBudget = { objectBytes: 8 * MiB, totalBytes: 64 * MiB, totalMs: 5_000 }

/** Of just this version. `undefined`: nobody knows, and it is too much to be read now. */
export type FindChecksums = (meta: ObjectMeta) => Promise<KnownChecksums | undefined>

/**
 * Looks, for each object, at the store's metadata, then at our record, then at what the store itself keeps; computes what
 * is left while the budget lasts, and records it. For the objects of one export: the budget is theirs together. Throws
 * `PreconditionFailed` when an object that is read was replaced, else as the store's `get`.
 */
export function createFindChecksums(
  { store, records, digests, clock, log }: FindChecksumsDeps,
  budget: ReadingBudget,
  { signal }: CallOptions,
): FindChecksums {
  const endsAtMs = clock.nowMs() + budget.totalMs
  let leftBytes = budget.totalBytes

  const remember = async ({ key, etag }: ObjectMeta, checksums: KnownChecksums) => {
    try {
      await records.write(key, etag, checksums, { signal })
    } catch (error) {
      // Found out again next time; the export itself does not need the record.
      log.warn('checksums-not-recorded', { error })
    }
    return checksums
  }

  const askStore = async ({ key, etag, sizeBytes }: ObjectMeta): Promise<readonly Crc32Piece[] | undefined> => {
    try {
      return await store.storedCrc32?.(key, { ifMatch: etag, sizeBytes, signal })
    } catch (error) {
      signal.throwIfAborted()
      log.warn('checksums-not-told', { error })
      return undefined
    }
  }

  const keptByStore = async (meta: ObjectMeta): Promise<KnownChecksums | undefined> => {
    const pieces = await askStore(meta)
    if (pieces === undefined || pieces.length === 0) return undefined
    const crc32 = pieces.reduce((sum, piece) => combineCrc32(sum, piece.crc32, piece.sizeBytes), 0)
    const checksums = { crc32: hex(crc32) }
    // One piece is asked for as quickly as a record is read.
    return pieces.length === 1 ? checksums : remember(meta, checksums)
  }

  const computed = async (meta: ObjectMeta): Promise<KnownChecksums | undefined> => {
    const { key, etag, sizeBytes } = meta
    const leftMs = endsAtMs - clock.nowMs()
    if (sizeBytes > budget.objectBytes || sizeBytes > leftBytes || leftMs <= 0) return undefined
    leftBytes -= sizeBytes
    const late = AbortSignal.timeout(leftMs)
    try {
      const object = await store.get(key, { ifMatch: etag, signal: AbortSignal.any([signal, late]) })
      if (object === undefined) return undefined
      const running = digests.start()
      for await (const chunk of object.body as unknown as AsyncIterable<Uint8Array>) running.update(chunk)
      return await remember(meta, running.read())
    } catch (error) {
      if (!late.aborted || signal.aborted) throw error
      return undefined
    }
  }

  return async (meta) => {
    const known = await records.find(meta, { signal })
    if (known !== undefined || meta.sizeBytes === 0) return known
    return (await keptByStore(meta)) ?? (await computed(meta))
  }
}

/** As the port writes it. */
export const hex = (crc32: number): string => crc32.toString(16).padStart(8, '0')
