import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { dataFolder, key, put, sha256, signal } from './open-folder.ts'

it('a reader amid overwrites always gets the facts of the bytes it gets', async () => {
  const { open } = await dataFolder()
  const [writer, reader] = [open(), open()]
  const write = async (i: number) => {
    const body = new TextEncoder().encode(`version ${i}`)
    await put(writer, 'busy', body, { checksums: { crc32: '00000000', sha256: sha256(body) } })
  }
  await write(0)
  let writing = true
  let reads = 0
  const reading = [1, 2].map(async () => {
    for (; writing; reads++) {
      const got = await reader.get(key('busy'), { signal })
      const body = new Uint8Array(await new Response(got?.body).arrayBuffer())
      expect(got?.meta.checksums?.sha256).toBe(sha256(body))
      expect((await reader.head(key('busy'), { signal }))?.checksums).toBeDefined()
    }
  })
  for (let i = 1; i <= 100; i++) await write(i)
  writing = false
  await Promise.all(reading)
  expect(reads).toBeGreaterThan(10)
})

it('no two versions share an etag, though the clock stands still or goes back', async () => {
  const { open } = await dataFolder()
  let nowMs = Date.now()
  const store = open({ nowMs: () => nowMs })
  const etags: string[] = []
  for (let i = 0; i < 30; i++) {
    if (i === 20) nowMs -= 3_600_000
    etags.push(await put(store, 'k', 'same'))
    expect((await store.head(key('k'), { signal }))?.etag).toBe(etags.at(-1))
  }
  expect(new Set(etags).size).toBe(30)
})

it('a put that is aborted half way ends at once and leaves nothing', async () => {
  const { stateDir, open } = await dataFolder()
  const store = open()
  const controller = new AbortController()
  const reason = new Error('the browser went away')
  const large = new Uint8Array(96 * 2 ** 20)
  const options = { signal: controller.signal, when: 'always', contentType: 'text/plain' } as const
  const left = () => readdir(join(stateDir, 'tmp'))
  await put(store, 'small', 'opens the folder')
  const attempt = expect(store.put(key('large'), large, options)).rejects.toBe(reason)
  while ((await left()).length === 0);
  controller.abort(reason)
  await attempt
  for (let i = 0; i < 200 && (await left()).length > 0; i++) await sleep(10)
  expect(await left()).toEqual([])
  expect(await store.head(key('large'), { signal })).toBeUndefined()
})
