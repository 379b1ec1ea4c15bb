import { execFileSync } from 'node:child_process'
import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { KeyConflict, PreconditionFailed } from '../../../src/ports/errors.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { dataFolder, filesIn, key, listKeys, put, readText, signal } from './open-folder.ts'

let folder: Awaited<ReturnType<typeof dataFolder>>
let store: ObjectStore

beforeEach(async () => {
  folder = await dataFolder()
  store = folder.open()
  await mkdir(folder.root)
})

describe('files that others put there', () => {
  it('are objects, with a content type by their name and nothing else known', async () => {
    await mkdir(join(folder.root, 'dataset/cats'), { recursive: true })
    await writeFile(join(folder.root, 'dataset/cats/1.PNG'), 'png')
    await writeFile(join(folder.root, 'page.html'), '<script>')
    const meta = await store.head(key('dataset/cats/1.PNG'), { signal })
    expect(meta).toMatchObject({ sizeBytes: 3, contentType: 'image/png', checksums: undefined, attributes: {} })
    expect((await store.head(key('page.html'), { signal }))?.contentType).toBe('application/octet-stream')
    expect(await listKeys(store)).toEqual(['dataset/cats/1.PNG', 'page.html'])
    expect(await readText(store, 'dataset/cats/1.PNG')).toBe('png')
    const replaced = { signal, when: { ifMatch: meta?.etag ?? never() }, contentType: 'text/plain' }
    expect(await store.put(key('dataset/cats/1.PNG'), new Uint8Array(1), replaced)).toMatchObject({
      outcome: 'applied',
    })
    expect(await store.delete(key('page.html'), { signal })).toEqual({ outcome: 'applied' })
  })

  it('get a new version when they are edited, and our facts of the old one are forgotten', async () => {
    const checksums = { crc32: '00000000', sha256: '0'.repeat(64) }
    const before = await put(store, 'caption.txt', 'a cat', { checksums, contentType: 'text/x-caption' })
    await writeFile(join(folder.root, 'caption.txt'), 'a dog')
    const after = await store.head(key('caption.txt'), { signal })
    expect(after?.etag).not.toBe(before)
    expect(after).toMatchObject({ checksums: undefined, contentType: 'text/plain; charset=utf-8' })
    await expect(store.get(key('caption.txt'), { signal, ifMatch: before })).rejects.toBeInstanceOf(PreconditionFailed)
  })

  it('never end cleanly when they are edited while they are read', async () => {
    await put(store, 'large', new Uint8Array(2 ** 20))
    const edited = await store.get(key('large'), { signal })
    const reader = edited?.body.getReader()
    await reader?.read()
    await writeFile(join(folder.root, 'large'), new Uint8Array(2 ** 20).fill(1))
    await expect(readToTheEnd(reader)).rejects.toBeInstanceOf(PreconditionFailed)
    const shortened = (await store.get(key('large'), { signal }))?.body.getReader()
    await shortened?.read()
    await writeFile(join(folder.root, 'large'), 'short')
    await expect(readToTheEnd(shortened)).rejects.toMatchObject({ code: 'store-misbehaved' })
  })

  it('are left alone and out of sight when their names are no keys', async () => {
    for (const name of ['ok', '~backup', '-rf', 'trailing.', 'con', 'back\\slash', 'e\u0301.txt', 'tab\tname']) {
      await writeFile(join(folder.root, name), name)
    }
    await writeFile(Buffer.concat([Buffer.from(`${folder.root}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'no UTF-8')
    await mkdir(join(folder.root, '~folder'))
    await writeFile(join(folder.root, '~folder/file'), 'x')
    await mkdir(join(folder.root, 'empty/emptier'), { recursive: true })
    expect(await listKeys(store)).toEqual(['ok'])
    const told = await store.list({ signal, prefix: '', limit: 1000 })
    // Seven files and a folder; of a name that is no UTF-8 nothing can be told.
    expect(told.leftOut).toBe(8)
    const level = await store.list({ signal, prefix: '', delimiter: '/', limit: 1000 })
    expect(level).toMatchObject({ objects: [{ key: 'ok' }], prefixes: [], cursor: undefined })
    expect(await listKeys(store, '~folder/')).toEqual([])
    expect(await listKeys(store, '../')).toEqual([])
    expect(await listKeys(store, '/')).toEqual([])
    expect(await filesIn(folder.root)).toHaveLength(10)
    await put(store, 'empty', 'folders without files are in nobody’s way')
  })

  it('keep their place when a key wants to be where they are', async () => {
    await mkdir(join(folder.root, 'taken'))
    await writeFile(join(folder.root, 'taken/~hidden'), 'x')
    execFileSync('mkfifo', [join(folder.root, 'pipe')])
    for (const name of ['taken', 'pipe', 'pipe/below']) {
      await expect(put(store, name, 'x')).rejects.toBeInstanceOf(KeyConflict)
      expect(await store.get(key(name), { signal })).toBeUndefined()
    }
    expect(await store.delete(key('pipe'), { signal })).toEqual({ outcome: 'applied' })
    expect((await filesIn(folder.root)).sort()).toEqual(['pipe', 'taken/~hidden'])
  })

  it('made older and older never bring an old version back', async () => {
    const seen = new Set([await put(store, 'k', 'same')])
    for (const year of [2100, 2020, 2099]) {
      await utimes(join(folder.root, 'k'), new Date(`${year}-01-01`), new Date(`${year}-01-01`))
      seen.add((await store.head(key('k'), { signal }))?.etag ?? never())
      seen.add(await put(store, 'k', 'same'))
      seen.add(await put(store, 'k', 'same'))
    }
    expect(seen.size).toBe(10)
  })
})

describe('symbolic links', () => {
  it('are no objects and lead nowhere', async () => {
    const outside = join(folder.data, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'secret')
    await put(store, 'real/file', 'real')
    await symlink(outside, join(folder.root, 'linked'))
    await symlink(join(outside, 'secret'), join(folder.root, 'file-link'))
    await symlink(join(folder.root, 'real'), join(folder.root, 'inner'))
    await symlink('nowhere', join(folder.root, 'dangling'))
    await symlink('loop', join(folder.root, 'loop'))

    expect(await listKeys(store)).toEqual(['real/file'])
    expect(await listKeys(store, 'linked/')).toEqual([])
    expect((await store.list({ signal, prefix: '', delimiter: '/', limit: 9 })).prefixes).toEqual(['real/'])
    for (const name of ['linked/secret', 'file-link', 'inner/file', 'dangling', 'loop', 'linked', 'loop/x']) {
      expect(await store.get(key(name), { signal }), name).toBeUndefined()
      expect(await store.head(key(name), { signal }), name).toBeUndefined()
      expect(await store.delete(key(name), { signal }), name).toEqual({ outcome: 'applied' })
    }
    for (const name of ['linked/new', 'linked/a/b', 'file-link', 'inner/new', 'dangling', 'dangling/x', 'loop/x']) {
      await expect(put(store, name, 'overwritten'), name).rejects.toBeInstanceOf(KeyConflict)
    }
    expect(await filesIn(outside)).toEqual(['secret'])
    expect(await filesIn(join(folder.root, 'real'))).toEqual(['file'])
    expect(await readText(store, 'real/file')).toBe('real')
  })

  it('may lead to the data folder itself', async () => {
    const alias = join(folder.data, 'alias')
    await symlink(folder.root, alias)
    const aliased = folder.open({ root: alias })
    await put(aliased, 'a/b', 'x', { attributes: { run: '1' } })
    expect(await readText(aliased, 'a/b')).toBe('x')
    expect((await store.head(key('a/b'), { signal }))?.attributes).toEqual({ run: '1' })
    await rm(alias)
  })
})

async function readToTheEnd(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<void> {
  while (!(await reader?.read())?.done);
}

function never(): never {
  throw new Error('absent')
}
