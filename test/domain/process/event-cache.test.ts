import { expect, it } from 'vitest'
import { createProcess } from '../../../src/domain/process/create-process.ts'
import { createProcessReader } from '../../../src/domain/process/process-reader.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { openInstances, options } from './two-ways.ts'

const silent = () => {}
const log = { debug: silent, info: silent, warn: silent, error: silent }
const names = Array.from({ length: 6 }, (_, n) => processId(`p${n}`))

/** Six processes of two events each, and a reader that keeps ten. */
async function open() {
  const { merging, store, digests, costOf } = openInstances()
  const instance = merging()
  for (const name of names) {
    const wanted = { id: name, type: 'training', name: undefined, dataset: undefined, config: {} } as const
    await createProcess(instance, wanted, options)
  }
  const reader = createProcessReader({ store, digests, log, cachedEventsMax: 10 })
  return { reader, costOf }
}

it('a list reads again no more than what does not fit into the memory for events', async () => {
  const { reader, costOf } = await open()
  expect(await costOf(() => reader.all(options))).toMatchObject({ get: 12 })
  for (let pass = 0; pass < 4; pass++) {
    expect(await costOf(() => reader.all(options))).toMatchObject({ list: 1, get: 2 })
  }
})

it('what was asked for last is kept, and whole processes are forgotten', async () => {
  const { reader, costOf } = await open()
  for (const name of names) await reader.one(name, options)
  // The document, which is not there.
  expect(await costOf(() => reader.one(names[1] as never, options))).toMatchObject({ get: 1 })
  expect(await costOf(() => reader.one(names[0] as never, options))).toMatchObject({ get: 3 })
  expect(await costOf(() => reader.one(names[1] as never, options))).toMatchObject({ get: 1 })
  expect(await costOf(() => reader.one(names[2] as never, options))).toMatchObject({ get: 3 })
})
