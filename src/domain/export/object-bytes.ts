import { PreconditionFailed, RangeNotSatisfiable, StoreMisbehaved } from '../../ports/errors.ts'
import type { Checksums, ObjectStore, StoredObject } from '../../ports/object-store.ts'
import type { ManifestEntry } from './manifest.ts'
import { ExportStale } from './refusals.ts'
import type { StorePace } from './store-pace.ts'
import type { ObjectSegment } from './zip-segments.ts'

/**
 * Opens the bytes of `segment` in the version that was frozen. One request. Throws `ExportStale` when that version is
 * gone, else as `ObjectStore.get`. Whoever gets the stream must read it to its end or cancel it.
 */
export async function openObject(
  store: ObjectStore,
  entry: ManifestEntry,
  segment: ObjectSegment,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  return (await foundObject(store, entry, segment, signal)).body
}

async function foundObject(
  store: ObjectStore,
  entry: ManifestEntry,
  segment: ObjectSegment,
  signal: AbortSignal,
): Promise<StoredObject> {
  const which = { ...rangeOf(segment, entry), ifMatch: segment.etag, signal }
  const found = await store.get(segment.key, which).catch((cause: unknown) => {
    throw staleOr(cause, entry)
  })
  if (found === undefined) throw gone(entry)
  const fault = faultOf(found, entry, segment)
  if (fault === undefined) return found
  void found.body.cancel(fault).catch(() => {})
  throw fault
}

export interface ReadSegment {
  /** None of them empty. */
  readonly chunks: readonly Uint8Array[]
  /** Of the whole object, as its writer noted them. */
  readonly checksums: Checksums | undefined
}

/** The bytes of `segment` in the version that was frozen, all of them. One request. Throws as `openObject` and `exactBytes`. */
export async function readSegment(
  store: ObjectStore,
  entry: ManifestEntry,
  segment: ObjectSegment,
  signal: AbortSignal,
): Promise<ReadSegment> {
  if (store.read === undefined) {
    const { body, meta } = await foundObject(store, entry, segment, signal)
    return { chunks: await Array.fromAsync(exactBytes(body, entry, segment, signal)), checksums: meta.checksums }
  }
  const { key, etag, lengthBytes } = segment
  const which = { ...rangeOf(segment, entry), ifMatch: etag, maxBytes: lengthBytes, signal }
  const found = await store.read(key, which).catch((cause: unknown) => {
    throw staleOr(cause, entry)
  })
  if (found === undefined) throw gone(entry)
  const { bytes, ...served } = found
  const fault = faultOf({ ...served, lengthBytes: bytes.byteLength }, entry, segment)
  if (fault !== undefined) throw fault
  return { chunks: bytes.byteLength === 0 ? [] : [bytes], checksums: found.meta.checksums }
}

const rangeOf = ({ offset, lengthBytes }: ObjectSegment, { sizeBytes }: ManifestEntry) =>
  lengthBytes === sizeBytes ? {} : { range: { offset, length: lengthBytes } }

const gone = ({ name }: ManifestEntry) => new ExportStale(`${name} was deleted since the export was made`)

function faultOf(
  served: Pick<StoredObject, 'meta' | 'offset' | 'lengthBytes'>,
  { name, sizeBytes }: ManifestEntry,
  { etag, offset, lengthBytes }: ObjectSegment,
): Error | undefined {
  // Looked at although we asked with `ifMatch`: not every store heeds it.
  if (served.meta.etag !== etag || served.meta.sizeBytes !== sizeBytes) {
    return new ExportStale(`${name} has changed since the export was made`)
  }
  if (served.offset === offset && served.lengthBytes === lengthBytes) return undefined
  return new StoreMisbehaved('the store sent another range than the one that was asked for')
}

/** What a failed read means to the archive: its frozen version is gone, or the store's own error. */
function staleOr(cause: unknown, { name }: ManifestEntry): unknown {
  const changed = cause instanceof PreconditionFailed || cause instanceof RangeNotSatisfiable
  return changed ? new ExportStale(`${name} has changed since the export was made`, { cause }) : cause
}

/**
 * The chunks of `body`, none of them empty, and at the end the certainty that they were `lengthBytes` bytes: throws
 * `StoreMisbehaved` for fewer or more, and `ExportStale` when a body that broke cannot go on because the version is gone.
 * Frees the body however it ends, and at once when `signal` is aborted.
 */
export async function* exactBytes(
  body: ReadableStream<Uint8Array>,
  entry: ManifestEntry,
  { lengthBytes }: ObjectSegment,
  signal: AbortSignal,
  waitFor: StorePace['waitFor'] = (next) => next,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader()
  const free = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', free, { once: true })
  let readBytes = 0
  let ended = false
  try {
    while (!ended) {
      signal.throwIfAborted()
      const { done, value } = await waitFor(reader.read()).catch((cause: unknown) => {
        throw staleOr(cause, entry)
      })
      ended = done
      if (value === undefined || value.byteLength === 0) continue
      readBytes += value.byteLength
      if (readBytes > lengthBytes) break
      yield value
    }
    signal.throwIfAborted()
    if (readBytes !== lengthBytes) {
      throw new StoreMisbehaved(`the store sent ${readBytes} or more bytes in place of ${lengthBytes}`)
    }
  } finally {
    signal.removeEventListener('abort', free)
    if (!ended) free()
  }
}
