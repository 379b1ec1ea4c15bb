import { describe, expect } from 'vitest'
import { compareKeys } from '../../../src/ports/object-key.ts'
import type { ListPage } from '../../../src/ports/object-store.ts'
import { inBatches, type Stage, type StoreGaps, type StoreTest } from './harness.ts'

const tree = [
  'a',
  'a!b/c',
  'a-b/c',
  'ab',
  'deep/1/x/file',
  'deep/1/x-y/file',
  'deep/1/x.txt',
  'deep/1/y',
  'deep/10',
  'deep/2/file',
  'deep/2/file2',
  'deep/2file',
  'deeper/file',
  'z',
]

interface Folder {
  readonly objects: string[]
  readonly prefixes: string[]
}

export function describeListing(test: StoreTest): void {
  describe('a listing', () => {
    test('shows each of 1,100 objects once, in order, whatever the page size', async ({
      put,
      listAll,
      other,
      signal,
      gaps,
    }) => {
      // Written in an order that is not theirs; the number is padded so that text order is number order.
      const names = Array.from({ length: 1100 }, (_, i) => `many/${`${(i * 1009) % 1100}`.padStart(4, '0')}`)
      await inBatches(names, 50, (name) => put(name, name))
      const sorted = [...names].sort(compareKeys)
      const listed = await listAll('', 1000)
      expect(listed.map((found) => found.key)).toEqual(sorted)
      expect(new Set(listed.map((found) => found.sizeBytes))).toEqual(new Set([9]))
      const below = (prefix: string) => sorted.filter((name) => name.startsWith(prefix))
      expect((await listAll('many/03', 7)).map((found) => found.key)).toEqual(below('many/03'))
      expect((await listAll('many/031', 1)).map((found) => found.key)).toEqual(below('many/031'))
      for (const limit of pageSizes(gaps, [400])) {
        expect((await listAll('', limit)).map((found) => found.key)).toEqual(sorted)
      }
      const page = await other.list({ signal, prefix: '', limit: 1000 })
      expect(page.objects.length).toBeLessThanOrEqual(1000)
      expect(page.cursor).toBeDefined()
    })

    test('is ordered by UTF-8 bytes, also across pages', async ({ put, listAll, gaps }) => {
      const names = ['z', 'é', '\u{e000}', '\u{ff5e}', '🐈', '\u{10fffd}', 'Z', '0', '画'].flatMap((c) => [
        c,
        `u/${c}`,
        `${c}${c}`,
      ])
      await inBatches(names, 9, (name) => put(name, ''))
      const encoder = new TextEncoder()
      const byBytes = (a: string, b: string) => compareBytes(encoder.encode(a), encoder.encode(b))
      for (const limit of pageSizes(gaps, [1000, 2, 1])) {
        expect((await listAll('', limit)).map((found) => found.key)).toEqual([...names].sort(byBytes))
      }
    })

    test('shows one level with a delimiter, at every depth and page size', async (stage) => {
      await inBatches(tree, 4, (name) => stage.put(name, name))
      const prefixes = [
        '',
        'a',
        'a-',
        'a-b/',
        'ab',
        'd',
        'deep',
        'deep/',
        'deep/1',
        'deep/1/',
        'deep/1/x',
        'deep/1/x/',
        'deep/2',
        'zz',
      ]
      for (const prefix of prefixes) {
        for (const limit of pageSizes(stage.gaps, [1, 2, 1000])) {
          expect(await listFolder(stage, prefix, limit), `${prefix} by ${limit}`).toEqual(oneLevel(prefix))
        }
      }
    })

    test('takes a prefix that ends inside a name', async ({ put, listAll, gaps }) => {
      await inBatches(tree, 4, (name) => put(name, name))
      for (const prefix of ['deep', 'deep/1', 'deep/1/x', 'deep/2/file', 'deep/2/file2', 'a', 'deep/1/x-y/file']) {
        for (const limit of pageSizes(gaps, [1, 3, 1000])) {
          const expected = tree.filter((name) => name.startsWith(prefix)).sort(compareKeys)
          expect((await listAll(prefix, limit)).map((found) => found.key)).toEqual(expected)
        }
      }
    })

    test('of nothing is one empty page', async ({ store, put, signal }) => {
      const nothing: ListPage = { objects: [], prefixes: [], cursor: undefined }
      const requests = [{ prefix: '' }, { prefix: 'x' }, { prefix: 'x/y/' }, { prefix: 'k/' }, { prefix: 'k0' }]
      expect(await store.list({ signal, prefix: '', limit: 1000 })).toEqual(nothing)
      await put('k', 'x')
      for (const { prefix } of requests.slice(1)) {
        expect(await store.list({ signal, prefix, limit: 1 })).toEqual(nothing)
        expect(await store.list({ signal, prefix, limit: 1000, delimiter: '/' })).toEqual(nothing)
      }
    })

    test('goes on behind its cursor when objects come and go', async ({ store, other, put, signal }) => {
      for (const name of ['b', 'd', 'f', 'h']) await put(name, name)
      const first = await store.list({ signal, prefix: '', limit: 2 })
      expect(first.objects.map((found) => found.key)).toEqual(['b', 'd'])
      for (const name of ['a', 'c', 'e']) await put(name, name)
      await store.delete(first.objects[1]?.key ?? never(), { signal })
      const rest = await other.list({ signal, prefix: '', limit: 1000, cursor: first.cursor ?? never() })
      expect(rest.objects.map((found) => found.key)).toEqual(['e', 'f', 'h'])
    })
  })
}

const pageSizes = ({ unorderedPages }: StoreGaps, sizes: readonly number[]) => (unorderedPages ? [1000] : sizes)

async function listFolder({ store, signal }: Stage, prefix: string, limit: number): Promise<Folder> {
  const found: Folder = { objects: [], prefixes: [] }
  let cursor: string | undefined
  do {
    const page = await store.list({ signal, prefix, limit, delimiter: '/', ...(cursor !== undefined && { cursor }) })
    expect(page.objects.length + page.prefixes.length).toBeLessThanOrEqual(limit)
    found.objects.push(...page.objects.map((each) => each.key))
    found.prefixes.push(...page.prefixes)
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}

/** What S3 says of `tree`, from its definition. */
function oneLevel(prefix: string): Folder {
  const rest = tree.filter((name) => name.startsWith(prefix)).sort(compareKeys)
  const cut = (name: string) => name.indexOf('/', prefix.length)
  return {
    objects: rest.filter((name) => cut(name) === -1),
    prefixes: [...new Set(rest.filter((name) => cut(name) !== -1).map((name) => name.slice(0, cut(name) + 1)))],
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const differs = a.findIndex((byte, i) => byte !== b[i])
  return differs === -1 ? a.byteLength - b.byteLength : (a[differs] ?? 0) - (b[differs] ?? -1)
}

function never(): never {
  throw new Error('the page before promised more')
}
