import { afterEach, describe, expect, it } from 'vitest'
import { createKeyedMutex } from '../../../src/adapters/checked-conditions/keyed-mutex.ts'
import { withCheckedConditions } from '../../../src/adapters/checked-conditions/object-store.ts'
import { withTurns } from '../../../src/adapters/checked-conditions/turns.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { withResilience } from '../../../src/adapters/resilience/object-store.ts'
import { withSidecars } from '../../../src/adapters/sidecars/object-store.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { describeObjectStore } from '../../contract/object-store.ts'
import { type DialectStore, startDialect } from './dialect-store.ts'

const MiB = 2 ** 20
const { signal } = new AbortController()
const key = parseObjectKey('files/k')
const quiet = () => {}
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const text = { signal, when: 'always', contentType: 'text/plain' } as const

let started: DialectStore | undefined
afterEach(() => started?.close())

/** With what the service puts around it, in its order, for only together do they make up for what RunPod lacks. */
function guarded(store: ObjectStore): ObjectStore {
  const checked = withCheckedConditions(store)
  const guard = withResilience(checked, {
    clock: createSystemClock(),
    ids: createIds(),
    digests: createDigests(),
    log,
    // The contract notes checksums that are not those of its bytes; and the fake goes on joining for 50 ms.
    verifyBodies: false,
    settings: { completeLookFirstMs: 100 },
  })
  return withSidecars(withTurns(guard.store, createKeyedMutex()), { log })
}

describeObjectStore('s3 in the dialect runpod, guarded', {
  supports: {
    conditionalPut: 'checked',
    conditionalComplete: 'checked',
    conditionalDelete: 'checked',
    batchDelete: false,
    listParts: true,
    abortMultipart: true,
    objectMetadata: true,
    metadataBeside: true,
    presign: false,
    minPartBytes: 16 * MiB,
    maxPartBytes: 95 * MiB,
    maxParts: 1000,
  },
  gaps: { contentEtags: true },
  async open() {
    const { open, close } = await startDialect('runpod')
    // Untried: what the fake goes on joining after its 524 would appear behind the trials, in the first listing.
    const unjoined = { conditionalComplete: 'none' } as const
    return { store: guarded(open(unjoined)), other: guarded(open(unjoined)), close }
  },
})

describe('a store that acknowledges what it does not keep', () => {
  const losing = async () => {
    started = await startDialect('runpod')
    return { store: started.open({ conditionalPut: 'none' }), fake: started.fake }
  }

  it('is looked at after a put, which is unknown when nothing is there', async () => {
    const { store, fake } = await losing()
    fake.inject('PutObject', 1, { loses: true })
    const lost = await store.put(key, new Uint8Array(3), text)
    expect(lost).toMatchObject({ outcome: 'unknown', cause: { effect: 'maybe-sent' } })
    expect(await store.put(key, new Uint8Array(3), text)).toMatchObject({ outcome: 'applied' })
  })

  it('is unknown too when what is there has another size', async () => {
    const { store, fake } = await losing()
    fake.putDirectly(`lora/${key}`, new Uint8Array(9))
    fake.inject('PutObject', 1, { loses: true })
    expect(await store.put(key, new Uint8Array(3), text)).toMatchObject({ outcome: 'unknown' })
  })

  it('is unknown too when an older object of the same size is there', async () => {
    const { store, fake } = await losing()
    await store.put(key, new Uint8Array([1, 1, 1]), text)
    fake.inject('PutObject', 2, { loses: true })
    await store.put(key, new Uint8Array([2, 2, 2]), text)
    expect(await store.put(key, new Uint8Array([3, 3, 3]), text)).toMatchObject({ outcome: 'unknown' })
  })

  it('is looked at again when a look fails', async () => {
    const { store, fake } = await losing()
    fake.inject('HeadObject', 1, { when: 'before-commit', answer: { status: 502, body: '<html>' } })
    expect(await store.put(key, new Uint8Array(3), text)).toMatchObject({ outcome: 'applied' })
    expect(fake.count('PutObject')).toBe(1)
  })

  it('is unknown when it cannot be looked at', async () => {
    const { store, fake } = await losing()
    fake.inject('HeadObject', 'every', { when: 'before-commit', answer: { status: 502, body: '<html>' } })
    expect(await store.put(key, new Uint8Array(3), text)).toMatchObject({ outcome: 'unknown' })
  })
})

describe('a HEAD that is refused', () => {
  const refusing = async () => {
    started = await startDialect('runpod', { headDeniedEvery: 1 })
    return { store: started.open(), fake: started.fake }
  }

  it('is made up for by one byte, whatever the size', async () => {
    const { store, fake } = await refusing()
    fake.putDirectly(`lora/${key}`, new Uint8Array(70_000))
    expect(await store.head(key, { signal })).toMatchObject({ sizeBytes: 70_000 })
    expect(fake.requests.at(-1)?.headers.range).toBe('bytes=0-0')
  })

  it('finds an empty object, which has no such byte', async () => {
    const { store, fake } = await refusing()
    fake.putDirectly(`lora/${key}`, new Uint8Array(0))
    const etag = fake.object(`lora/${key}`)?.etag
    expect(await store.head(key, { signal })).toMatchObject({ sizeBytes: 0, etag })
    expect(fake.requests.map(({ status }) => status)).toEqual([403, 416, 200])
  })

  it('finds no object where there is none', async () => {
    const { store } = await refusing()
    expect(await store.head(key, { signal })).toBeUndefined()
  })
})
