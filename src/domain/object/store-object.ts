import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, PutCondition } from '../../ports/object-store.ts'
import { DigestMismatch } from '../errors.ts'
import { createByteWindow } from './byte-window.ts'
import { planParts } from './part-size.ts'
import { createObjectWriter, type ObjectReceipt, type WriteObjectDeps } from './write-object.ts'

/**
 * Stores a body under a key, whole or not at all. Checksums are computed while the bytes pass; memory is a few parts.
 * Throws `TooLarge`, `DigestMismatch`, `PreconditionFailed`, or whatever ended the body.
 */
export async function storeObject(
  deps: WriteObjectDeps,
  key: ObjectKey,
  body: AsyncIterable<Uint8Array>,
  options: CallOptions & {
    contentType: string
    when: PutCondition
    maxBytes: number
    windowBytes: number
    /** As far as the sender says. */
    sizeBytes: number | undefined
    sha256: string | undefined
  },
): Promise<ObjectReceipt> {
  const { contentType, when, maxBytes, windowBytes, sha256, signal } = options
  const capabilities = await deps.store.capabilities({ signal })
  const parts = planParts(options.sizeBytes, capabilities)
  const window = createByteWindow(Math.max(windowBytes, 2 * parts.partBytes))
  const writer = createObjectWriter(deps, key, { contentType, when, parts, maxBytes, window, signal })
  try {
    for await (const chunk of body) await writer.write(chunk)
    const { checksums } = writer.checksums()
    if (sha256 !== undefined && checksums.sha256 !== sha256) throw new DigestMismatch('the bytes have another SHA-256')
    return await writer.store(checksums)
  } catch (error) {
    await writer.discard()
    throw error
  }
}
