import { describe, expect } from 'vitest'
import { UnsupportedByStore } from '../../../src/ports/errors.ts'
import type { ETag, ObjectStore, PutCondition } from '../../../src/ports/object-store.ts'
import { bytes, key, type ObjectStoreHarness, type StoreTest } from './harness.ts'

const writersAtOnce = 12
const rounds = 4
const neverAnEtag = '00000000000000000000000000000000' as ETag

export function describeConditions(test: StoreTest, { supports }: ObjectStoreHarness): void {
  describe(`a conditional put (${supports.conditionalPut})`, () => {
    if (supports.conditionalPut === 'none') describeRefusal(test)
    else describeConditionalPut(test)
    if (supports.conditionalPut !== 'none') describeRaces(test, supports.conditionalPut)
  })
}

function describeRefusal(test: StoreTest): void {
  test('is refused before anything is written', async ({ store, put, readText, signal }) => {
    const etag = await put('k', 'before')
    for (const when of ['if-absent', { ifMatch: etag }] satisfies PutCondition[]) {
      for (const name of ['k', 'absent']) {
        const attempt = store.put(key(name), bytes('after'), { signal, when, contentType: 'text/plain' })
        await expect(attempt).rejects.toBeInstanceOf(UnsupportedByStore)
      }
    }
    expect(await readText('k')).toBe('before')
    expect(await readText('absent')).toBeUndefined()
  })
}

function describeConditionalPut(test: StoreTest): void {
  test('if-absent creates and never replaces', async ({ store, other, put, readText, signal }) => {
    await put('folder/k', 'first', { when: 'if-absent' })
    for (const handle of [store, other]) {
      const again = handle.put(key('folder/k'), bytes('second'), {
        signal,
        when: 'if-absent',
        contentType: 'text/plain',
      })
      expect(await again).toEqual({ outcome: 'rejected' })
    }
    expect(await readText('folder/k')).toBe('first')
    await store.delete(key('folder/k'), { signal })
    await put('folder/k', 'third', { when: 'if-absent' })
    expect(await readText('folder/k')).toBe('third')
  })

  test('if-match replaces that version and no other', async ({ store, other, put, readText, signal }) => {
    const first = await put('k', 'first')
    const second = await put('k', 'second', { when: { ifMatch: first } })
    for (const ifMatch of [first, neverAnEtag]) {
      const stale = other.put(key('k'), bytes('third'), { signal, when: { ifMatch }, contentType: 'text/plain' })
      expect(await stale).toEqual({ outcome: 'rejected' })
    }
    expect(await readText('k')).toBe('second')
    expect((await store.head(key('k'), { signal }))?.etag).toBe(second)
  })

  test('if-match never creates', async ({ store, put, readText, signal }) => {
    const etag = await put('k', 'first')
    await store.delete(key('k'), { signal })
    for (const name of ['k', 'never/was']) {
      const attempt = store.put(key(name), bytes('x'), { signal, when: { ifMatch: etag }, contentType: 'text/plain' })
      expect(await attempt).toEqual({ outcome: 'rejected' })
      expect(await readText(name)).toBeUndefined()
    }
  })
}

function describeRaces(test: StoreTest, condition: 'atomic' | 'checked'): void {
  // Where racers of different instances may both win, one may find the other's write when it looks for its own.
  const outcomes = condition === 'atomic' ? ['applied', 'rejected'] : ['applied', 'rejected', 'unknown']

  /** Lets all writers go at once, through both handles, and tells who was told that he won. */
  const race = async (handles: ObjectStore[], signal: AbortSignal, round: number, when: PutCondition) => {
    const attempts = Array.from({ length: writersAtOnce }, async (_, writer) => {
      const body = `round ${round}, writer ${writer}`
      const handle = handles[writer % handles.length] as ObjectStore
      const result = await handle.put(key('contested'), bytes(body), { signal, when, contentType: 'text/plain' })
      expect(outcomes).toContain(result.outcome)
      return result.outcome === 'applied' ? body : undefined
    })
    return (await Promise.all(attempts)).filter((body) => body !== undefined)
  }

  const name = condition === 'atomic' ? 'has exactly one winner in every race' : 'has a winner in every race'
  test(name, async ({ store, other, readText, signal }) => {
    let when: PutCondition = 'if-absent'
    for (let round = 0; round < rounds; round++) {
      const winners = await race([store, other], signal, round, when)
      if (condition === 'atomic') expect(winners).toHaveLength(1)
      else expect(winners.length).toBeGreaterThanOrEqual(1)
      expect(winners).toContain(await readText('contested'))
      const now = await other.head(key('contested'), { signal })
      if (now === undefined) throw new Error('the object vanished')
      when = { ifMatch: now.etag }
    }
  })
}
