import { describe, expect, it } from 'vitest'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { StoreMisbehaved, StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createFailingStore, guard, maybeSent, thrown } from './failing-store.ts'

const { signal } = new AbortController()
const key = parseObjectKey('k')
const body = new Uint8Array([1, 2, 3])

function checksumsOf(bytes: Uint8Array) {
  const running = createDigests().start()
  running.update(bytes)
  return running.read()
}

/** A store whose first reads give a wrong byte. */
async function damaging(times: number, options: Parameters<typeof guard>[2] = {}) {
  const failing = createFailingStore()
  const facts = { signal, contentType: 'a/b', when: 'always', checksums: checksumsOf(body) } as const
  await failing.store.put(key, body, facts)
  let left = times
  const store: ObjectStore = {
    ...failing.store,
    async read(...which) {
      const found = await failing.store.read?.(...which)
      if (found === undefined || left-- <= 0) return found
      return { ...found, bytes: found.bytes.map((byte) => byte ^ 1) }
    },
  }
  failing.calls.length = 0
  const guarded = guard(store, {}, options)
  const read = (which = {}) => thrown(guarded.store.read?.(key, { signal, maxBytes: 9, ...which }) ?? Promise.reject())
  return { read, calls: failing.calls, failing, ...guarded }
}

describe('a body that is read at once', () => {
  it('is asked for once more when it was damaged on its way', async () => {
    const { read, calls } = await damaging(1)
    expect(await read()).toMatchObject({ value: { bytes: body } })
    expect(calls).toEqual(['read', 'read'])
  })

  it('is no whole one when it lies there damaged, and says nothing about the store being there', async () => {
    const { read, calls, health } = await damaging(99)
    expect(await read()).toBeInstanceOf(StoreMisbehaved)
    expect(calls).toEqual(['read', 'read'])
    expect(health().data.circuit).toBe('closed')
  })

  it('is not checked where that was not wanted, nor a part of an object', async () => {
    expect(await (await damaging(1, { verifyBodies: false })).read()).toMatchObject({ value: { bytes: { length: 3 } } })
    const part = await damaging(1)
    expect(await part.read({ range: { offset: 0, length: 2 } })).toHaveProperty('value')
    expect(part.calls).toEqual(['read'])
  })

  it('ends with its caller, whatever the store does', async () => {
    const { read, failing } = await damaging(0)
    failing.next('hangs')
    const leaving = new AbortController()
    const reading = read({ signal: leaving.signal })
    leaving.abort('left')
    expect(await reading).toBe('left')
  })

  it('fails in the end where the store never answers, and its place is free for the next', async () => {
    const { read, calls, failing, health } = await damaging(0)
    failing.next(...Array.from({ length: 4 }, () => 'hangs' as const))
    expect(await read()).toBeInstanceOf(StoreUnavailable)
    expect(health().data.running).toBe(0)
    calls.length = 0
    failing.next({ throws: maybeSent() })
    expect(await read()).toHaveProperty('value')
    expect(calls).toEqual(['read', 'read'])
  })
})
