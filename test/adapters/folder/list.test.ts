import { closeSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dataFolder, signal } from './open-folder.ts'

it('lists 10,000 files of one folder page by page, fast enough for a person who waits', async () => {
  const { root, open } = await dataFolder()
  await mkdir(join(root, 'many'), { recursive: true })
  const names = Array.from({ length: 10_000 }, (_, i) => `many/${String(i).padStart(5, '0')}.txt`)
  for (const name of names) closeSync(openSync(join(root, name), 'w'))
  const store = open()
  const seen: string[] = []
  const started = performance.now()
  let cursor: string | undefined
  do {
    const page = await store.list({ signal, prefix: '', limit: 1000, ...(cursor !== undefined && { cursor }) })
    seen.push(...page.objects.map((object) => object.key))
    cursor = page.cursor
  } while (cursor !== undefined)
  // About 40 ms a page where this was written; the bound only keeps out what would be quadratic.
  expect(performance.now() - started).toBeLessThan(40_000)
  expect(seen).toEqual(names)
})
