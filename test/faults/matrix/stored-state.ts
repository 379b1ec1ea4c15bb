import { prefix, type Rig } from './rig.ts'

export const stateKey = (id: string): string => `${prefix}/processes/state/${id}.json`

const jsonAt = ({ fake }: Pick<Rig, 'fake'>, key: string) =>
  JSON.parse(Buffer.from(fake.object(key)?.body ?? []).toString()) as Record<string, unknown>

/** The document of a process as it lies in the store. */
export const stateOf = (rig: Pick<Rig, 'fake'>, id: string): Record<string, unknown> => jsonAt(rig, stateKey(id))

export interface StoredEvent {
  readonly kind: string
  readonly operationId: string
  readonly seq?: number
  readonly step?: number
}

/** What lies in the store of a process whose state is joined from events, read without the code under test. */
export const eventsOf = (rig: Pick<Rig, 'fake'>, id: string): StoredEvent[] =>
  rig.fake
    .keys()
    .filter((key) => key.startsWith(stateKey(id).replace(/\.json$/, '/')))
    .map((key) => JSON.parse(`${jsonAt(rig, key).event}`) as StoredEvent)

/** The version and the step that lie in the store, whether as a document or as events. */
export function storedProgress(rig: Pick<Rig, 'fake'>, id: string): { version: number; step: number } {
  if (rig.fake.object(stateKey(id)) !== undefined) return stateOf(rig, id) as { version: number; step: number }
  const events = eventsOf(rig, id)
  const last = events.filter(({ kind }) => kind === 'report').sort((a, b) => (b.seq ?? 0) - (a.seq ?? 0))[0]
  return { version: new Set(events.map(({ operationId }) => operationId)).size, step: last?.step ?? 0 }
}

/** How many different documents requests have made of it: with one winner for each version, as many as there are versions. */
export const documentsOf = ({ fake }: Pick<Rig, 'fake'>, id: string): number =>
  new Set(fake.commits.filter(({ key }) => key === stateKey(id)).map(({ etag }) => etag)).size

/** Before the next write of ours is decided, another owner of the process writes its next version, with these changes. */
export function anotherWrites(
  rig: Pick<Rig, 'fake' | 'proxy'>,
  id: string,
  changes: Readonly<Record<string, unknown>>,
) {
  const stop = rig.proxy.watch((event, { operation, key }) => {
    if (event !== 'asked' || operation !== 'PutObject' || key !== stateKey(id)) return
    stop()
    const { version, writeId, ...before } = stateOf(rig, id)
    const theirs = { ...before, version: Number(version) + 1, writeId: 'theirs', previous: writeId, ...changes }
    rig.fake.putDirectly(stateKey(id), Buffer.from(JSON.stringify(theirs)))
  })
}
