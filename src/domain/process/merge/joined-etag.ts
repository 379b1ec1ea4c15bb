import type { Digests } from '../../../ports/digests.ts'
import type { ETag } from '../../../ports/object-store.ts'
import type { ProcessEvent } from './process-event.ts'

/** Names a set of events and the document that they are joined with: equal on every instance that sees the same. */
export function joinedEtag(
  document: ETag | undefined,
  events: readonly ProcessEvent[],
  digests: Pick<Digests, 'sha256'>,
): ETag {
  const names = [...new Set(events.map(({ writeId }) => writeId))].sort()
  const whole = new TextEncoder().encode(JSON.stringify([document ?? null, names]))
  return digests.sha256(whole).slice(0, 32) as ETag
}
