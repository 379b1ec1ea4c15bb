import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { broken, works } from './finding.ts'
import { putPlain, readText, type TrialFolder } from './trial-folder.ts'

const overwrites = 5

export interface Seen {
  /** What should be there, and what was; `undefined` for nothing. */
  readonly expected: string | undefined
  readonly found: string | undefined
}

const inconsistent = 'do not use this store: what it has acknowledged can seem lost (is a cache between us and it?)'

export function firstWriteFinding({ expected, found }: Seen): StoreFinding {
  const check = 'write and read'
  if (found === expected) return works(check, 'what is written comes back')
  return broken(check, found === undefined ? 'what was written is not there' : 'other bytes come back', inconsistent)
}

/** Whether every look that followed a change showed it. */
export function afterWriteFinding(looks: readonly Seen[]): StoreFinding {
  const check = 'read after write'
  const stale = looks.filter(({ expected, found }) => expected !== found).length
  if (stale === 0)
    return works(check, `${looks.length} of ${looks.length} looks showed the write or delete before them`)
  return broken(check, `${stale} of ${looks.length} looks showed what was there before`, inconsistent)
}

/** One object written and read back. Two calls. */
export async function examineFirstWrite({ store, key }: TrialFolder, options: CallOptions): Promise<StoreFinding[]> {
  const subject = key('first')
  await putPlain(store, subject, 'first', options)
  return [firstWriteFinding({ expected: 'first', found: await readText(store, subject, options) })]
}

/** One object overwritten and read, then deleted and asked for. About 13 calls. */
export async function examineAfterWrite({ store, key }: TrialFolder, options: CallOptions): Promise<StoreFinding[]> {
  const subject = key('again')
  const looks: Seen[] = []
  for (let i = 0; i < overwrites; i++) {
    const expected = `version ${i}`
    await putPlain(store, subject, expected, options)
    looks.push({ expected, found: await readText(store, subject, options) })
  }
  await store.delete(subject, options)
  looks.push({ expected: undefined, found: await readText(store, subject, options) })
  const meta = await store.head(subject, options)
  looks.push({ expected: undefined, found: meta?.etag })
  return [afterWriteFinding(looks)]
}
