import { afterEach, describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import type { Quirks } from '../../faults/fake-s3/profiles.ts'
import { type DialectStore, startDialect } from './dialect-store.ts'

const { signal } = new AbortController()
const names = ['a', 'a b+c', 'd/1', 'd/2/x', 'd/2/y', 'd/2-x', 'd/3', 'e/é', 'ee', 'f/g/h', 'z'].sort(compareKeys)

let started: DialectStore | undefined
afterEach(() => started?.close())

interface Listed {
  readonly objects: string[]
  readonly prefixes: string[]
}

/** What S3 says, from its definition. */
function expected(all: readonly string[], prefix: string, delimiter: '/' | undefined): Listed {
  const below = all.filter((name) => name.startsWith(prefix))
  const cut = (name: string) => (delimiter === undefined ? -1 : name.indexOf(delimiter, prefix.length))
  return {
    objects: below.filter((name) => cut(name) === -1),
    prefixes: [...new Set(below.filter((name) => cut(name) !== -1).map((name) => name.slice(0, cut(name) + 1)))],
  }
}

async function everyPage(
  store: ObjectStore,
  prefix: string,
  delimiter: '/' | undefined,
  limit: number,
): Promise<Listed> {
  const found: Listed = { objects: [], prefixes: [] }
  let cursor: string | undefined
  for (let pages = 0; pages < 1000; pages++) {
    const position = { ...(delimiter && { delimiter }), ...(cursor !== undefined && { cursor }) }
    const page = await store.list({ signal, prefix, limit, ...position })
    found.objects.push(...page.objects.map(({ key }) => key))
    found.prefixes.push(...page.prefixes)
    cursor = page.cursor
    if (cursor === undefined) return found
  }
  throw new Error('the listing does not end')
}

const refusals: Quirks['listRefuses'][] = [
  [],
  ['encoding-type'],
  ['delimiter'],
  ['trailing-slash'],
  ['encoding-type', 'delimiter'],
  ['encoding-type', 'trailing-slash'],
  ['encoding-type', 'delimiter', 'trailing-slash'],
]
const cases = refusals.flatMap((listRefuses) =>
  (['honoured', 'ignored-without-delimiter'] as const).map((listPrefix) => ({ listRefuses, listPrefix })),
)

describe('a listing of a server', () => {
  it.each(cases)('with $listRefuses refused and prefixes $listPrefix is the same', async (quirks) => {
    started = await startDialect('generic', { listsFolders: true, ...quirks })
    const { fake, open } = started
    for (const name of names) fake.putDirectly(`lora/${name}`, new Uint8Array(1))
    for (const foreign of ['lora', 'lora-2/a', 'other']) fake.putDirectly(foreign, new Uint8Array(1))
    const store = open()
    for (const delimiter of [undefined, '/'] as const) {
      for (const prefix of ['', 'd', 'd/', 'd/2', 'd/2/', 'e/', 'f/', 'nothing/']) {
        for (const limit of [1, 3, 1000]) {
          const found = await everyPage(store, prefix, delimiter, limit)
          expect(found, `${prefix} ${delimiter} by ${limit}`).toEqual(expected(names, prefix, delimiter))
        }
      }
    }
  })

  it('remembers what was refused', async () => {
    started = await startDialect('generic', { listRefuses: ['encoding-type', 'delimiter'] })
    const { fake, open } = started
    fake.putDirectly('lora/a/b', new Uint8Array(1))
    const store = open()
    const folder = () => store.list({ signal, prefix: '', delimiter: '/', limit: 9 })
    expect(await folder()).toMatchObject({ prefixes: ['a/'] })
    const requests = fake.count('ListObjectsV2')
    expect(requests).toBeGreaterThan(1)
    expect(await folder()).toMatchObject({ prefixes: ['a/'] })
    expect(fake.count('ListObjectsV2')).toBe(requests + 1)
  })

  it('shows a folder once that goes on over several pages, when we have to cut names ourselves', async () => {
    started = await startDialect('generic', { listRefuses: ['delimiter'] })
    const { fake, open } = started
    const many = Array.from({ length: 2400 }, (_, i) => `big/${`${i}`.padStart(4, '0')}`)
    for (const name of ['a/1', ...many, 'c/1', 'd']) fake.putDirectly(`lora/${name}`, new Uint8Array(1))
    for (const limit of [1, 2, 1000]) {
      const found = await everyPage(open(), '', '/', limit)
      expect(found).toEqual({ objects: ['d'], prefixes: ['a/', 'big/', 'c/'] })
    }
  })
})
