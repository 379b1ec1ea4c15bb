import type { Brand } from './brand.ts'
import type { CodedError, StoreUnavailable } from './errors.ts'
import type { ObjectKey } from './object-key.ts'

/** Names one version of one object, without quotes. Opaque: compare for equality only. Two versions of a key never share one. */
export type ETag = Brand<string, 'ETag'>

export interface Checksums {
  /** CRC-32 (ISO-HDLC, as in ZIP and PNG) of the whole object: 8 lower-case hex digits. */
  readonly crc32: string
  /** SHA-256 of the whole object: 64 lower-case hex digits. */
  readonly sha256: string
}

/** The CRC-32 of some bytes that lie together. */
export interface Crc32Piece {
  readonly sizeBytes: number
  /** ISO-HDLC, as in ZIP and PNG; unsigned. */
  readonly crc32: number
}

export interface ListedObject {
  readonly key: ObjectKey
  readonly sizeBytes: number
  readonly etag: ETag
  readonly lastModified: Date
}

export interface ObjectMeta extends ListedObject {
  readonly contentType: string
  /** What the writer said of the bytes; `undefined` for foreign objects and for stores that forget metadata. */
  readonly checksums: Checksums | undefined
  /** Small facts given by the writer: lower-case ASCII names, visible ASCII values, 1 KiB together. */
  readonly attributes: Readonly<Record<string, string>>
}

/** `length` may reach behind the end: it is cut there. `suffixLength` larger than the object means all of it. */
export type Range = { readonly offset: number; readonly length?: number } | { readonly suffixLength: number }

export interface StoredObject {
  readonly meta: ObjectMeta
  /** Where the body lies in the object. */
  readonly offset: number
  readonly lengthBytes: number
  /**
   * Exactly `lengthBytes` bytes of the one version that `meta` names, or an error: never a clean end before. Must be read
   * to its end or cancelled; cancelling frees what is behind it.
   */
  readonly body: ReadableStream<Uint8Array>
}

/** A part of an object, or all of it, in memory. */
export interface ReadObject {
  /** Of the whole object. */
  readonly meta: ObjectMeta
  /** Where `bytes` lie in the object. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** `if-absent`: only when no object has the key. `ifMatch`: only when the object is still that version. */
export type PutCondition = 'always' | 'if-absent' | { readonly ifMatch: ETag }

/**
 * `applied`: done, readable by everybody from now on. `rejected`: the condition did not hold and nothing was changed by
 * this call. `unknown`: the answer was lost; the write may have happened, or may still happen. The caller looks again.
 */
export type PutOutcome =
  | { readonly outcome: 'applied'; readonly etag: ETag }
  | { readonly outcome: 'rejected' }
  | { readonly outcome: 'unknown'; readonly cause: StoreUnavailable }

export type DeleteOutcome =
  | { readonly outcome: 'applied' }
  | { readonly outcome: 'rejected' }
  | { readonly outcome: 'unknown'; readonly cause: StoreUnavailable }

export interface DeleteResult {
  readonly key: ObjectKey
  /** `undefined`: the key is gone, or never was. */
  readonly error: CodedError | undefined
}

export interface ListPage {
  /** In `compareKeys` order, also across pages. */
  readonly objects: readonly ListedObject[]
  /** With a delimiter: the distinct beginnings up to and including it, in order. */
  readonly prefixes: readonly string[]
  /** Give it back for the next page; `undefined` on the last. Opaque, good for an hour at least. */
  readonly cursor: string | undefined
  /**
   * How many objects of others lie among these and are not shown, because their names cannot be keys; a folder of that kind
   * counts once. Not counted: marks of directories, and what the store keeps for itself. Absent: none.
   */
  readonly leftOut?: number
}

export interface MultipartUpload {
  readonly key: ObjectKey
  readonly uploadId: string
}

export interface Part {
  /** From 1, in the order of the bytes; gaps are allowed. */
  readonly partNumber: number
  readonly etag: string
  readonly sizeBytes: number
}

/**
 * `atomic`: the store itself decides, whoever races. `checked`: we look before we write, so two racers from different
 * instances may both win. `none`: refused with `UnsupportedByStore`.
 */
export type Condition = 'atomic' | 'checked' | 'none'

/** What the store was seen to do, not what its vendor says. */
export interface StoreCapabilities {
  readonly conditionalPut: Condition
  readonly conditionalComplete: Condition
  readonly conditionalDelete: Condition
  /** Several keys in one request. Without it `deleteMany` loops. */
  readonly batchDelete: boolean
  readonly listParts: boolean
  readonly abortMultipart: boolean
  /** Content type, checksums and attributes come back from `head` and `get`. */
  readonly objectMetadata: boolean
  /** They do because we keep them in objects of our own, at one small request more for each write, read and delete. */
  readonly metadataBeside?: true
  /** Can make URLs that a browser can use without our credentials. */
  readonly presign: boolean
  /** The least size of a part that is not the last. */
  readonly minPartBytes: number
  readonly maxPartBytes: number
  readonly maxParts: number
}

export interface CallOptions {
  /** Aborting ends the call with the signal's reason, soon, whatever the store does. */
  readonly signal: AbortSignal
}

export interface PutOptions extends CallOptions {
  readonly contentType: string
  readonly when: PutCondition
  readonly checksums?: Checksums
  readonly attributes?: Readonly<Record<string, string>>
}

/**
 * Named byte sequences. Obligations on whoever implements it:
 *
 * - A write is all or nothing. No reader ever sees a part of an object, or a mix of two versions, through any crash.
 * - After `applied`, every later `get`, `head` and `list`, from any instance, shows the write.
 * - Absence is `undefined` (read) or `rejected` (a condition), never an error; failures are the errors of `errors.ts`.
 * - Bodies given are not changed and not kept after the promise settles; the caller may then reuse the memory.
 * - Every call honours its signal, and throws the signal's reason at once when it is aborted already.
 */
export interface ObjectStore {
  /** Cheap after the first call, which may ask the store. */
  capabilities(options: CallOptions): Promise<StoreCapabilities>

  /**
   * What time it is for the store, by its last answer: the clock of its `lastModified`. Absent where that is this machine's
   * own, `undefined` before the first answer.
   */
  nowMs?(): number | undefined

  /** Throws `KeyConflict` where a key cannot be an object and the folder of others at once. */
  put(key: ObjectKey, body: Uint8Array, options: PutOptions): Promise<PutOutcome>

  /** Throws `RangeNotSatisfiable` when the range begins at or behind the end, `PreconditionFailed` when `ifMatch` does not hold. */
  get(key: ObjectKey, options: CallOptions & { range?: Range; ifMatch?: ETag }): Promise<StoredObject | undefined>

  /**
   * As `get` and reading its body, at once: for small objects, and pieces of large ones. Absent where that costs as much as
   * a stream. Throws `StoreMisbehaved` before it holds more than `maxBytes`.
   */
  read?(
    key: ObjectKey,
    options: CallOptions & { range?: Range; ifMatch?: ETag; maxBytes: number },
  ): Promise<ReadObject | undefined>

  head(key: ObjectKey, options: CallOptions): Promise<ObjectMeta | undefined>

  /**
   * The CRC-32s that the store itself keeps of the version `ifMatch`, which is `sizeBytes` long: of pieces that are, in their
   * order, just its bytes. `undefined` where it keeps none or may not be asked, or the version is not stored. Costs a small
   * request, one more for each 1,000 parts, or none where asking was seen to be in vain. Absent where a store has no such
   * thing.
   */
  storedCrc32?(
    key: ObjectKey,
    options: CallOptions & { ifMatch: ETag; sizeBytes: number },
  ): Promise<readonly Crc32Piece[] | undefined>

  /** `limit` is 1 to 1,000 and counts objects and prefixes together; a page may be shorter and still have a cursor. */
  list(options: CallOptions & { prefix: string; delimiter?: '/'; cursor?: string; limit: number }): Promise<ListPage>

  /** Deleting what is not there is `applied`; with `ifMatch` it is `rejected`. */
  delete(key: ObjectKey, options: CallOptions & { ifMatch?: ETag }): Promise<DeleteOutcome>

  /** One result for each key, in order. One failure does not stop the others; nothing throws but an aborted signal. */
  deleteMany(keys: readonly ObjectKey[], options: CallOptions): Promise<readonly DeleteResult[]>

  /** Nothing appears under the key before `completeMultipart`. Several uploads of one key do not disturb each other. */
  createMultipart(key: ObjectKey, options: Omit<PutOptions, 'when'>): Promise<MultipartUpload>

  /** Storing a part number again replaces that part. Throws `UploadNotFound`. */
  putPart(upload: MultipartUpload, partNumber: number, body: Uint8Array, options: CallOptions): Promise<Part>

  /** By part number. Throws `UploadNotFound`, or `UnsupportedByStore` without the capability. */
  listParts(upload: MultipartUpload, options: CallOptions): Promise<readonly Part[]>

  /** Joins the parts in order of their numbers. Throws `InvalidParts` (upload stays open), `UploadNotFound`, or as `put`. */
  completeMultipart(
    upload: MultipartUpload,
    parts: readonly Part[],
    options: CallOptions & { when: PutCondition },
  ): Promise<PutOutcome>

  /** Frees the parts. Fine when the upload is gone. Throws `UnsupportedByStore` without the capability. */
  abortMultipart(upload: MultipartUpload, options: CallOptions): Promise<void>
}
