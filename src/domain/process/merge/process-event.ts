import type { Digests } from '../../../ports/digests.ts'
import { type ObjectKey, parseObjectKey } from '../../../ports/object-key.ts'
import type { ProcessOperation, ReportOperation } from '../operation.ts'
import { type ProcessId, processPrefix } from '../process-state.ts'

interface Common {
  /** What was done. Several events of one operation are one operation. */
  readonly operationId: string
  /** Names the event, and its object. */
  readonly writeId: string
  readonly at: string
  /** The attempt that it speaks of; of a retry, the one that it opens. */
  readonly attempt: number
}

/** One thing that happened to a process. Never changed once it is written. */
export type ProcessEvent =
  | (Common & { readonly kind: 'create' } & Pick<
        Extract<ProcessOperation, { kind: 'create' }>,
        'type' | 'name' | 'dataset' | 'config' | 'totalSteps'
      >)
  | (Common & { readonly kind: 'claim'; readonly worker: string })
  | (Common & { readonly kind: 'report' } & Omit<ReportOperation, 'kind'>)
  /** `abandons`: the worker was seen to be lost, so that nobody is waited for. */
  | (Common & { readonly kind: 'cancel'; readonly abandons: boolean })
  | (Common & { readonly kind: 'retry' })
  | (Common & { readonly kind: 'delete' })
  /** Takes back a create or a claim that met another one; its writer was told that it failed. */
  | (Common & { readonly kind: 'withdraw'; readonly withdrawn: string })
  /** Its create or claim was seen to be alone, and its writer may have been told so: it is never taken back any more. */
  | (Common & { readonly kind: 'confirm'; readonly confirmed: string })

/** A folder beside the document that the process has in stores which decide. */
export function eventPrefix(id: ProcessId): string {
  return `${processPrefix}${id}/`
}

export function eventKey(id: ProcessId, { writeId }: Pick<ProcessEvent, 'writeId'>): ObjectKey {
  return parseObjectKey(`${eventPrefix(id)}${writeId}.json`)
}

export function encodeEvent(event: ProcessEvent, digests: Pick<Digests, 'sha256'>): Uint8Array {
  return seal('event', event, digests)
}

/** `undefined` for what is not a whole event: it is not there yet, and never data. */
export function decodeEvent(bytes: Uint8Array, digests: Pick<Digests, 'sha256'>): ProcessEvent | undefined {
  return decodeSealed('event', bytes, digests) as ProcessEvent | undefined
}

/** Carries its own length and hash: on a store whose objects are files, a reader may meet half of one. */
export function seal(kind: 'event' | 'bundle', content: unknown, digests: Pick<Digests, 'sha256'>): Uint8Array {
  const text = JSON.stringify(content)
  const bytes = new TextEncoder().encode(text)
  const envelope = { lengthBytes: bytes.byteLength, sha256: digests.sha256(bytes), [kind]: text }
  return new TextEncoder().encode(JSON.stringify(envelope))
}

export function decodeSealed(kind: 'event' | 'bundle', bytes: Uint8Array, digests: Pick<Digests, 'sha256'>): unknown {
  try {
    const envelope = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>
    const text = envelope[kind]
    if (typeof text !== 'string') return undefined
    const inner = new TextEncoder().encode(text)
    if (inner.byteLength !== envelope.lengthBytes || digests.sha256(inner) !== envelope.sha256) return undefined
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
