import { expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { createSystemClock } from '../../src/adapters/system/clock.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { guardStores } from '../../src/app/guarded-stores.ts'

const quiet = () => {}
const clock = createSystemClock()
const options = {
  objects: createMemoryObjectStore(clock),
  exclusive: undefined,
  clock,
  ids: createIds(),
  digests: createDigests(),
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  settings: { partsAtOnce: 4 },
}

it('a store of its own for process state has the limits of its own profile', () => {
  const apart = guardStores({
    ...options,
    state: createMemoryObjectStore(clock),
    stateStoreSettings: { metaAtOnce: 7 },
  }).health()
  expect([apart.objects.parts.places, apart.state.parts.places]).toEqual([4, 32])
  expect([apart.objects.meta.places, apart.state.meta.places]).toEqual([64, 7])
})

it('process state on the same store has its limits', () => {
  const together = guardStores({ ...options, state: undefined }).health()
  expect([together.objects.parts.places, together.state.parts.places]).toEqual([4, 4])
})
