import { expect, it } from 'vitest'
import type { ObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { openInstances, options } from './two-ways.ts'

/** Does not list what was written after `hideFromNow`, although it is there. */
function lateListing() {
  let listed: ReadonlySet<ObjectKey> | undefined
  return {
    hideFromNow(keys: readonly ObjectKey[]) {
      listed = new Set(keys)
    },
    over: (store: ObjectStore): ObjectStore => ({
      ...store,
      async list(request) {
        const page = await store.list(request)
        return { ...page, objects: page.objects.filter(({ key }) => listed?.has(key) ?? true) }
      },
    }),
  }
}

it('a first report takes the attempt once, also when the listing is late with the claim', async () => {
  const { merging, keys, costOf } = openInstances()
  const { hideFromNow, over } = lateListing()
  const instance = merging(over)
  await instance.create()
  hideFromNow(await keys())
  const cost = await costOf(async () => {
    expect(await instance.report(1)).toMatchObject({ repeated: false, state: { status: 'running', worker: 'w1' } })
  })
  // The claim, that it is confirmed, and the report.
  expect(cost.put).toBe(3)
})

it('what an instance wrote itself it does not forget, and never reads', async () => {
  const { merging, keys, costOf } = openInstances()
  const { hideFromNow, over } = lateListing()
  const instance = merging(over)
  await instance.create()
  hideFromNow(await keys())
  await instance.report(1)
  await instance.report(2)
  const cost = await costOf(async () => {
    expect(await instance.report(2)).toMatchObject({ repeated: true })
    expect((await instance.ledger.readAll(options)).processes).toMatchObject([{ state: { lastSeq: 2 } }])
  })
  // The document, which is not there.
  expect(cost).toMatchObject({ get: 1, put: 0 })
})
