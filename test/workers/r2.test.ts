import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { withCheckedConditions } from '../../src/adapters/checked-conditions/object-store.ts'
import { createR2ObjectStore } from '../../src/adapters/r2/object-store.ts'
import type { StoreCapabilities } from '../../src/ports/object-store.ts'
import { everythingOfS3 } from '../contract/capabilities.ts'
import { describeObjectStore } from '../contract/object-store.ts'

const bucket = env.BUCKET

const supports: StoreCapabilities = {
  ...everythingOfS3,
  conditionalComplete: 'none',
  conditionalDelete: 'none',
  listParts: false,
  presign: false,
}

let opened = 0
const open = async (
  wrap: (store: ReturnType<typeof createR2ObjectStore>) => ReturnType<typeof createR2ObjectStore>,
) => {
  opened += 1
  const prefix = `contract-${opened}`
  return {
    store: wrap(createR2ObjectStore({ bucket, prefix })),
    other: wrap(createR2ObjectStore({ bucket, prefix })),
    close: async () => {},
  }
}

describeObjectStore('the R2 binding in workerd', {
  open: () => open((store) => store),
  supports,
  gaps: { contentEtags: true },
})

describeObjectStore('the R2 binding with checked conditions', {
  open: () => open((store) => withCheckedConditions(store)),
  supports: { ...supports, conditionalComplete: 'checked', conditionalDelete: 'checked' },
  gaps: { contentEtags: true },
})

it('tells how many objects of others the R2 binding leaves out of a listing', async () => {
  for (const name of ['left-out/b', 'left-out/e\u0301', 'left-out/x//y', 'left-out/folder/'])
    await bucket.put(name, 'x')
  const store = createR2ObjectStore({ bucket, prefix: 'left-out' })
  const { objects, leftOut } = await store.list({ prefix: '', limit: 10, signal: new AbortController().signal })
  expect({ keys: objects.map(({ key }) => key), leftOut }).toEqual({ keys: ['b'], leftOut: 2 })
})
