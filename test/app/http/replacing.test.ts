import { expect, it } from 'vitest'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { createService, unending } from '../memory-service.ts'
import { caption, statuses, upload } from './uploads.ts'

/** Lets somebody act in the moment in which a replace has stored its files and begins to remove others. */
const beforeRemoving = (act: (memory: ObjectStore) => Promise<void>) => {
  let acted = false
  return (memory: ObjectStore): ObjectStore => ({
    ...memory,
    async delete(key, options) {
      if (!acted && key.startsWith('dataset/')) {
        acted = true
        await act(memory)
      }
      return await memory.delete(key, options)
    },
  })
}

const replace = { field: 'mode', value: 'replace' }
const bytes = (text: string) => new TextEncoder().encode(text)

it('removes what was there when it began, and nothing that somebody stored since', async () => {
  const service = createService({
    wrap: beforeRemoving(async (memory) => {
      const newer = { contentType: 'text/plain', when: 'always', signal: unending } as const
      await memory.put(parseObjectKey('dataset/d/b.txt'), bytes('newer'), newer)
    }),
  })
  await upload(service, 'd', [caption('b.txt'), caption('c.txt')])
  const report = await upload(service, 'd', [replace, caption('a.txt')])
  expect(report.status).toBe(200)
  expect(await service.keys('dataset/')).toEqual(['dataset/d/a.txt', 'dataset/d/b.txt'])
  expect(await service.text('dataset/d/b.txt')).toBe('newer')
  expect(report.warnings).toContainEqual(expect.objectContaining({ code: 'not-removed', file: 'b.txt' }))
})

it('does not call a file kept that another replace has removed meanwhile', async () => {
  const service = createService({
    wrap: beforeRemoving(async (memory) => {
      await memory.delete(parseObjectKey('dataset/d/a.txt'), { signal: unending })
    }),
  })
  await upload(service, 'd', [caption('a.txt'), caption('b.txt')])
  const report = await upload(service, 'd', [replace, caption('a.txt')])
  expect(statuses(report)).toEqual(['a.txt failed'])
  expect(report.status).toBe(422)
})

it('never leaves two that race with a file acknowledged and gone, unless a later one replaced it', async () => {
  for (let round = 0; round < 20; round++) {
    const service = createService()
    await upload(service, 'd', [caption('a.txt'), caption('b.txt')])
    const reports = await Promise.all(['a.txt', 'b.txt'].map((name) => upload(service, 'd', [replace, caption(name)])))
    const kept = reports.flatMap(({ files }) => files).filter(({ status }) => status !== 'failed')
    const present = await service.keys('dataset/')
    // At most one of the two can have been the last; whatever both say is kept must then be there.
    if (kept.length === 2) expect(present.length).toBeGreaterThan(0)
    for (const key of present) expect(['dataset/d/a.txt', 'dataset/d/b.txt']).toContain(key)
  }
})

it('refuses an unknown mode when it arrives, before any file is stored', async () => {
  const service = createService()
  const answer = await upload(service, 'd', [{ field: 'mode', value: 'bogus' }, caption('a.txt')])
  expect(answer.status).toBe(400)
  expect(await service.keys('dataset/')).toEqual([])
})
