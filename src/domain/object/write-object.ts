import type { Digests } from '../../ports/digests.ts'
import {
  type CodedError,
  InvalidParts,
  PreconditionFailed,
  StoreUnavailable,
  UploadNotFound,
} from '../../ports/errors.ts'
import type { Log } from '../../ports/log.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type {
  Checksums,
  ETag,
  MultipartUpload,
  ObjectStore,
  Part,
  PutCondition,
  PutOutcome,
} from '../../ports/object-store.ts'
import { TooLarge } from '../errors.ts'
import type { ByteWindow } from './byte-window.ts'
import type { ObjectRecords } from './object-record.ts'
import type { OpenUploads } from './open-uploads.ts'
import type { PartPlan } from './part-size.ts'

export interface ObjectReceipt {
  readonly key: ObjectKey
  readonly sizeBytes: number
  readonly etag: ETag
  readonly checksums: Checksums
  readonly contentType: string
}

/** One object being written from bytes of unknown number. Exactly one of `store` and `discard` must end it. */
export interface ObjectWriter {
  /** Waits while the window is full. Throws `TooLarge`, or the error of a part that could not be stored. */
  write(chunk: Uint8Array): Promise<void>
  /** What passed so far. Final: call it once, after the last `write`. */
  checksums(): { sizeBytes: number; checksums: Checksums }
  /** Makes the object appear. Throws `PreconditionFailed` when the condition does not hold. */
  store(checksums: Checksums, attributes?: Readonly<Record<string, string>>): Promise<ObjectReceipt>
  /** Forgets the bytes and frees stored parts. Never throws. */
  discard(): Promise<void>
}

export interface WriteObjectDeps {
  readonly store: ObjectStore
  readonly digests: Digests
  readonly records: ObjectRecords
  readonly uploads: OpenUploads
  readonly log: Log
}

/**
 * Up to the size of a part the object costs one `put`; above, parts of exactly that size are sent while later ones are
 * read. All bytes held count against `window`.
 */
export function createObjectWriter(
  deps: WriteObjectDeps,
  key: ObjectKey,
  options: {
    contentType: string
    when: PutCondition
    parts: PartPlan
    maxBytes: number
    window: ByteWindow
    signal: AbortSignal
  },
): ObjectWriter {
  const { store, records, uploads, log } = deps
  const { contentType, when, maxBytes, window, signal } = options
  const { partBytes, objectBytesMax } = options.parts
  const running = deps.digests.start()
  let sizeBytes = 0
  let pieces: Uint8Array[] = []
  let heldBytes = 0
  let upload: MultipartUpload | undefined
  const sending: Promise<Part>[] = []
  let failed: { readonly error: unknown } | undefined

  const takeHeld = (bytes: number): Uint8Array => {
    const { head, rest } = split(pieces, bytes)
    pieces = rest
    heldBytes -= bytes
    return head
  }

  const openUpload = async (): Promise<MultipartUpload> => {
    const opened = await store.createMultipart(key, { contentType, signal })
    upload = opened
    await uploads.note(opened, { signal })
    return opened
  }

  const sendPart = async (body: Uint8Array): Promise<void> => {
    try {
      upload ??= await openUpload()
    } catch (error) {
      window.give(body.byteLength)
      throw error
    }
    const part = store
      .putPart(upload, sending.length + 1, body, { signal })
      .catch(uploadLost)
      .finally(() => window.give(body.byteLength))
    // A failure stops the writing at the next chunk; `store` awaits the part itself.
    part.catch((error: unknown) => {
      failed ??= { error }
    })
    sending.push(part)
  }

  const completeParts = async (checksums: Checksums): Promise<PutOutcome> => {
    if (heldBytes > 0) await sendPart(takeHeld(heldBytes))
    const parts = await Promise.all(sending)
    if (upload === undefined) throw new StoreUnavailable('the upload was not opened', { effect: 'never-sent' })
    const result = await store.completeMultipart(upload, parts, { when, signal }).catch(uploadLost)
    if (result.outcome === 'applied') await Promise.all([remember(result.etag, checksums), uploads.forget(upload)])
    return result
  }

  const remember = async (etag: ETag, checksums: Checksums): Promise<void> => {
    try {
      await records.write(key, etag, checksums, { signal })
    } catch (error) {
      // The object is stored: without its record an export computes the checksum once more, nothing else is lost.
      log.warn('checksums-not-recorded', { error })
    }
  }

  const putWhole = async (checksums: Checksums, attributes: Readonly<Record<string, string>>): Promise<PutOutcome> => {
    const bytes = heldBytes
    try {
      return await store.put(key, takeHeld(bytes), { contentType, when, checksums, attributes, signal })
    } finally {
      window.give(bytes)
    }
  }

  const discard = async (): Promise<void> => {
    window.give(heldBytes)
    pieces = []
    heldBytes = 0
    await Promise.allSettled(sending)
    const open = upload
    upload = undefined
    if (open === undefined) return
    try {
      // Not the request's signal: a client that leaves must not leave its parts behind.
      await store.abortMultipart(open, { signal: new AbortController().signal })
      await uploads.forget(open)
    } catch (error) {
      log.warn('multipart-left-open', { code: (error as Partial<CodedError>).code, error })
    }
  }

  return {
    async write(chunk) {
      if (failed !== undefined) throw failed.error
      if (sizeBytes + chunk.byteLength > maxBytes) throw new TooLarge(`more than ${maxBytes} bytes`)
      if (sizeBytes + chunk.byteLength > objectBytesMax) {
        throw new TooLarge(`more than ${objectBytesMax} bytes: announce the length, so that larger parts can be made`)
      }
      await window.take(chunk.byteLength, signal)
      running.update(chunk)
      sizeBytes += chunk.byteLength
      heldBytes += chunk.byteLength
      pieces.push(chunk)
      // Strictly more, so that an object of exactly one part is one put.
      while (heldBytes > partBytes) await sendPart(takeHeld(partBytes))
    },

    checksums: () => ({ sizeBytes, checksums: running.read() }),

    async store(checksums, attributes = {}) {
      try {
        if (failed !== undefined) throw failed.error
        const result = upload === undefined ? await putWhole(checksums, attributes) : await completeParts(checksums)
        // A store that joins parts may go on after its answer was lost: taking them away would end that.
        if (result.outcome === 'unknown' && upload !== undefined) {
          log.warn('multipart-left-open', { code: result.cause.code, error: result.cause })
          upload = undefined
        }
        const etag = await settled(store, key, result, { when, checksums, signal })
        return { key, sizeBytes, etag, checksums, contentType }
      } catch (error) {
        await discard()
        throw error
      }
    },

    discard,
  }
}

/** The upload and its parts are ours, and none of the caller's business: to him the store has failed. */
function uploadLost(error: unknown): never {
  if (!(error instanceof UploadNotFound || error instanceof InvalidParts)) throw error
  throw new StoreUnavailable('the store lost the upload', { cause: error, effect: 'never-sent', blame: 'request' })
}

/** The ETag of a write that was applied; an unknown outcome is settled by looking at what is stored. */
async function settled(
  store: ObjectStore,
  key: ObjectKey,
  result: PutOutcome,
  { when, checksums, signal }: { when: PutCondition; checksums: Checksums; signal: AbortSignal },
): Promise<ETag> {
  if (result.outcome === 'applied') return result.etag
  if (result.outcome === 'unknown') {
    const now = await store.head(key, { signal })
    if (now?.checksums?.sha256 === checksums.sha256) return now.etag
    // Objects in parts carry no checksums, and some stores keep none: whose bytes these are cannot be told.
    if (now !== undefined && now.checksums === undefined) throw result.cause
    const mayStillLand = when === 'always' || (when === 'if-absent' ? now === undefined : now?.etag === when.ifMatch)
    if (mayStillLand) throw result.cause
  }
  throw new PreconditionFailed('the object is not in the state that the request asks for')
}

/** The first `bytes` of the pieces as one array (without a copy when one piece is just that), and the pieces after. */
function split(pieces: readonly Uint8Array[], bytes: number): { head: Uint8Array; rest: Uint8Array[] } {
  const [first] = pieces
  if (pieces.length === 1 && first?.byteLength === bytes) return { head: first, rest: [] }
  const head = new Uint8Array(bytes)
  let filled = 0
  for (const [index, piece] of pieces.entries()) {
    if (filled + piece.byteLength < bytes) {
      head.set(piece, filled)
      filled += piece.byteLength
      continue
    }
    const wanted = bytes - filled
    head.set(piece.subarray(0, wanted), filled)
    const rest = pieces.slice(index + 1)
    if (wanted < piece.byteLength) rest.unshift(piece.subarray(wanted))
    return { head, rest }
  }
  return { head, rest: [] }
}
