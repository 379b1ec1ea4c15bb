import type { Digests } from '../../../ports/digests.ts'
import { type ObjectKey, parseObjectKey } from '../../../ports/object-key.ts'
import type { ProcessId } from '../process-state.ts'
import { decodeSealed, eventPrefix, type ProcessEvent, seal } from './process-event.ts'

/** An event, and when the store took it; `undefined` while this instance has only written it. */
export type StoredEvent = ProcessEvent & { readonly storedAt?: string }

/**
 * Several events of one process in one object: a set of events like any other, which may be joined with others however
 * often. `deleted`: what is left of a deleted process, beside which no event counts any more.
 */
export interface EventBundle {
  readonly deleted: boolean
  readonly events: readonly StoredEvent[]
}

/** Named by what is in it, so that whoever writes it writes the same bytes. */
export function bundleKey(id: ProcessId, bundle: EventBundle, digests: Pick<Digests, 'sha256'>): ObjectKey {
  const name = digests.sha256(encodeBundle(bundle, digests)).slice(0, 32)
  return parseObjectKey(`${eventPrefix(id)}${bundle.deleted ? 'deleted' : 'bundle'}-${name}.json`)
}

export const isBundleKey = (key: ObjectKey): boolean => /\/(bundle|deleted)-[0-9a-f]{32}\.json$/.test(key)

export function encodeBundle(bundle: EventBundle, digests: Pick<Digests, 'sha256'>): Uint8Array {
  return seal('bundle', bundle, digests)
}

/** `undefined` for what is not a whole bundle. */
export function decodeBundle(bytes: Uint8Array, digests: Pick<Digests, 'sha256'>): EventBundle | undefined {
  return decodeSealed('bundle', bytes, digests) as EventBundle | undefined
}
