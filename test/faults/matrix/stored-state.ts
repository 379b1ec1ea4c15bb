import { prefix, type Rig } from './rig.ts'

export const stateKey = (id: string): string => `${prefix}/processes/state/${id}.json`

/** The document of a process as it lies in the store. */
export const stateOf = ({ fake }: Pick<Rig, 'fake'>, id: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(fake.object(stateKey(id))?.body ?? []).toString())

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
