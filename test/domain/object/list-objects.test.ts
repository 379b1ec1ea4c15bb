import { expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { everyObject, listObjects } from '../../../src/domain/object/list-objects.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'

const { signal } = new AbortController()
const memory = createMemoryObjectStore({ nowMs: Date.now })
const nothing = { objects: [], prefixes: [] }

it('a public folder whose first page is empty is shown all the same', async () => {
  await memory.put(parseObjectKey('files/a'), new Uint8Array(1), { signal, when: 'always', contentType: 'a/b' })
  const sparse: ObjectStore = {
    ...memory,
    list: async ({ cursor, ...request }) =>
      cursor === undefined ? { ...nothing, cursor: 'further' } : memory.list(request),
  }
  expect(await listObjects(sparse, { signal, prefix: '', delimiter: '/', limit: 9 })).toMatchObject({
    prefixes: ['files/'],
  })
})

it('a listing that leads back to where it was ends in an error', async () => {
  const next = new Map([
    [undefined, 'a'],
    ['a', 'b'],
    ['b', 'a'],
  ])
  const circular: ObjectStore = { ...memory, list: async ({ cursor }) => ({ ...nothing, cursor: next.get(cursor) }) }
  await expect(Array.fromAsync(everyObject(circular, '', { signal }))).rejects.toMatchObject({
    code: 'store-misbehaved',
  })
})
