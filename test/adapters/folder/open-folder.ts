import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { onTestFinished } from 'vitest'
import { createFolderObjectStore, type FolderObjectStoreOptions } from '../../../src/adapters/folder/object-store.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'

export const { signal } = new AbortController()
export const key = parseObjectKey

/** A data folder of its own; gone after the test. `open` gives another store on it, as after a restart. */
export async function dataFolder() {
  const data = await mkdtemp(join(tmpdir(), 'lora-folder-'))
  const root = join(data, 'prefix')
  const stateDir = join(data, '.lora-storage')
  onTestFinished(() => rm(data, { recursive: true, force: true, maxRetries: 5 }))
  const open = (options: Partial<FolderObjectStoreOptions> = {}) =>
    createFolderObjectStore({ root, stateDir, nowMs: Date.now, ...options })
  return { data, root, stateDir, open }
}

export async function put(store: ObjectStore, name: string, body: string | Uint8Array, facts: object = {}) {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const put = await store.put(key(name), bytes, { signal, when: 'always', contentType: 'text/plain', ...facts })
  if (put.outcome !== 'applied') throw new Error(put.outcome)
  return put.etag
}

export async function readText(store: ObjectStore, name: string): Promise<string | undefined> {
  const got = await store.get(key(name), { signal })
  return got && new Response(got.body).text()
}

export async function listKeys(store: ObjectStore, prefix = ''): Promise<string[]> {
  const { objects, cursor } = await store.list({ signal, prefix, limit: 1000 })
  if (cursor !== undefined) throw new Error('more than a page')
  return objects.map((object) => object.key)
}

/** Every file below a folder, by its path from there, in no particular order. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
