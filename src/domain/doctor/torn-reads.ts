import { CodedError } from '../../ports/errors.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { broken, works } from './finding.ts'
import type { TrialFolder } from './trial-folder.ts'

const bodyBytes = 256 * 1024
const overwrites = 6
const readers = 3

/** What one reader saw of an object that was being overwritten: one version, several, no object, or an error amid it. */
export type Sight = 'whole' | 'mixed' | 'absent' | 'failed'

export function tornReadsFinding(sights: readonly Sight[]): StoreFinding {
  const check = 'overwriting'
  const count = (sight: Sight) => sights.filter((each) => each === sight).length
  const torn = count('mixed') + count('absent')
  if (torn > 0) {
    return broken(
      check,
      `${torn} of ${sights.length} reads of an object that was being overwritten saw half of it, or none`,
      'do not use this store where objects are overwritten: process state is, with every report',
    )
  }
  if (count('failed') > 0) {
    return works(
      check,
      `${count('failed')} of ${sights.length} reads of an object that was being overwritten failed, the others saw one version`,
      'expect reads to be repeated: this store overwrites in place',
    )
  }
  return works(check, `${sights.length} reads of an object that was being overwritten each saw one version`)
}

/** Several readers read an object of 256 KiB while it is overwritten six times. */
export async function examineOverwriting({ store, key }: TrialFolder, options: CallOptions): Promise<StoreFinding[]> {
  const subject = key('torn')
  const write = (version: number) =>
    store.put(subject, new Uint8Array(bodyBytes).fill(version), {
      ...options,
      when: 'always',
      contentType: 'application/octet-stream',
    })
  await write(0)
  let done = false
  const sights: Sight[] = []
  const look = async (): Promise<Sight> => {
    try {
      const found = await store.get(subject, options)
      if (found === undefined) return 'absent'
      const body = new Uint8Array(await new Response(found.body).arrayBuffer())
      return body.byteLength === bodyBytes && body.every((byte) => byte === body[0]) ? 'whole' : 'mixed'
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof CodedError) return 'failed'
      throw error
    }
  }
  const reader = async () => {
    while (!done) sights.push(await look())
  }
  const writer = async () => {
    try {
      for (let version = 1; version <= overwrites; version++) await write(version)
    } finally {
      done = true
    }
  }
  const ended = await Promise.allSettled([writer(), ...Array.from({ length: readers }, reader)])
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  return [tornReadsFinding(sights)]
}
