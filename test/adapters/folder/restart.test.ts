import { mkdir, readdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { sweep, temporaryKeptMs, uploadKeptMs } from '../../../src/adapters/folder/sweep.ts'
import { dataFolder, filesIn, key, listKeys, put, readText, signal } from './open-folder.ts'

const facts = {
  contentType: 'image/webp',
  checksums: { crc32: '352441c2', sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  attributes: { run: '7' },
}

describe('after a restart', () => {
  it('etag, checksums, content type and attributes are what they were', async () => {
    const { open } = await dataFolder()
    const etag = await put(open(), 'a/b.png', 'abc', facts)
    expect(await open().head(key('a/b.png'), { signal })).toMatchObject({ etag, sizeBytes: 3, ...facts })
    expect((await open().list({ signal, prefix: '', limit: 1 })).objects[0]?.etag).toBe(etag)
  })

  it('so it is when the whole data folder was moved', async () => {
    const { data, open } = await dataFolder()
    const etag = await put(open(), 'a/b.png', 'abc', facts)
    const moved = join(data, 'moved')
    await mkdir(moved)
    for (const name of ['prefix', '.lora-storage']) await rename(join(data, name), join(moved, name))
    const store = open({ root: join(moved, 'prefix'), stateDir: join(moved, '.lora-storage') })
    expect(await store.head(key('a/b.png'), { signal })).toMatchObject({ etag, ...facts })
  })

  it('uploads go on', async () => {
    const { open } = await dataFolder()
    const upload = await open().createMultipart(key('m'), { signal, ...facts })
    const part = await open().putPart(upload, 1, new TextEncoder().encode('part'), { signal })
    expect(await open().listParts(upload, { signal })).toEqual([part])
    await open().completeMultipart(upload, [part], { signal, when: 'if-absent' })
    expect(await readText(open(), 'm')).toBe('part')
  })
})

describe('the state folder', () => {
  it('keeps one sidecar an object, and nothing of what is over', async () => {
    const { root, stateDir, open } = await dataFolder()
    const store = open()
    for (const body of ['1', '2', '3']) await put(store, 'a/b', body, facts)
    const upload = await store.createMultipart(key('m'), { signal, ...facts })
    const part = await store.putPart(upload, 1, new Uint8Array(5), { signal })
    await store.completeMultipart(upload, [part], { signal, when: 'always' })
    await store.abortMultipart(await store.createMultipart(key('n'), { signal, ...facts }), { signal })
    await expect(put(store, 'a/b/c', 'conflict')).rejects.toThrow()
    const rest = (await filesIn(stateDir)).filter((file) => !file.startsWith('locks/'))
    expect(rest).toHaveLength(2)
    expect(rest.every((file) => /^meta\/..\/..\/.*\.json$/.test(file))).toBe(true)
    expect((await filesIn(root)).sort()).toEqual(['a/b', 'm'])
    await store.deleteMany([key('a/b'), key('m')], { signal })
    expect((await filesIn(stateDir)).filter((file) => !file.startsWith('locks/'))).toEqual([])
  })

  it('may serve two roots without mixing them up', async () => {
    const { data, open } = await dataFolder()
    const [one, two] = [open({ root: join(data, 'one') }), open({ root: join(data, 'two') })]
    await put(one, 'k', 'same', { attributes: { of: 'one' } })
    await put(two, 'k', 'same', { attributes: { of: 'two' } })
    await two.delete(key('k'), { signal })
    expect((await one.head(key('k'), { signal }))?.attributes).toEqual({ of: 'one' })
  })

  it('must lie outside of the objects', async () => {
    const { root, open } = await dataFolder()
    expect(() => open({ stateDir: join(root, '.state') })).toThrow(TypeError)
    expect(() => open({ stateDir: root })).toThrow(TypeError)
  })

  it('survives sidecars that were damaged', async () => {
    const { stateDir, open } = await dataFolder()
    await put(open(), 'a.txt', 'abc', facts)
    const [sidecar = ''] = (await filesIn(stateDir)).filter((file) => file.startsWith('meta/'))
    for (const damage of ['', '{', 'null', '[]', '{"contentType":1}']) {
      await writeFile(join(stateDir, sidecar), damage)
      expect(await open().head(key('a.txt'), { signal })).toMatchObject({ checksums: undefined, attributes: {} })
    }
  })

  it('is swept of what is old, at the first call and without touching what is not', async () => {
    const { root, stateDir, open } = await dataFolder()
    const store = open()
    const [old, recent] = [await begin('old'), await begin('recent')]
    async function begin(name: string) {
      const upload = await store.createMultipart(key(name), { signal, ...facts })
      await store.putPart(upload, 1, new Uint8Array(5), { signal })
      await writeFile(join(stateDir, 'tmp', name), 'left by a crash')
      return upload
    }
    await age(join(stateDir, 'uploads', old.uploadId), uploadKeptMs + 60_000)
    await age(join(stateDir, 'uploads', recent.uploadId), uploadKeptMs - 60_000)
    await age(join(stateDir, 'tmp/old'), temporaryKeptMs + 60_000)
    await age(join(stateDir, 'tmp/recent'), temporaryKeptMs - 60_000)
    expect(await listKeys(open())).toEqual([])
    for (let i = 0; i < 100 && (await readdir(join(stateDir, 'uploads'))).length > 1; i++) await sleep(10)
    expect(await readdir(join(stateDir, 'uploads'))).toEqual([recent.uploadId])
    expect(await readdir(join(stateDir, 'tmp'))).toEqual(['recent'])
    expect(await store.listParts(recent, { signal })).toHaveLength(1)
    await sweep({ root, scope: '', temporary: '/nowhere', uploads: '/nowhere', sidecars: '', locks: '' }, Date.now())
  })
})

async function age(path: string, byMs: number): Promise<void> {
  const then = new Date(Date.now() - byMs)
  await utimes(path, then, then)
}
