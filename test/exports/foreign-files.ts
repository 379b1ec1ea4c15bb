import { createHash } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { createSystemClock } from '../../src/adapters/system/clock.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { readConfig } from '../../src/app/config.ts'
import { openNodeStore } from '../../src/app/node-store.ts'
import { createObjectRecords } from '../../src/domain/object/object-record.ts'
import { parseObjectKey } from '../../src/ports/object-key.ts'
import type { Checksums } from '../../src/ports/object-store.ts'
import { createRandom } from '../faults/random.ts'

const islandBytes = 64 * 1024
const islandEveryBytes = 512 * 2 ** 20

/** A file of holes, which takes no room on a disk, with some bytes at its beginning, its end, and here and there between. */
export async function writeSparseFile(path: string, sizeBytes: number, seed: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const random = createRandom(seed)
  const file = await open(path, 'w')
  try {
    await file.truncate(sizeBytes)
    for (let at = 0; at < sizeBytes; at += islandEveryBytes) {
      await file.write(random.bytes(Math.min(islandBytes, sizeBytes - at)), 0, undefined, at)
    }
    const last = random.bytes(Math.min(islandBytes, sizeBytes))
    await file.write(last, 0, undefined, sizeBytes - last.byteLength)
  } finally {
    await file.close()
  }
}

/** So many small files in folders of a thousand. Returns the SHA-256 of each by its path in `folder`. */
export async function writeManyFiles(folder: string, count: number): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  for (let i = 0; i < count; i++) {
    const inside = `${Math.floor(i / 1000)}`
    if (i % 1000 === 0) await mkdir(join(folder, inside), { recursive: true })
    const caption = `a photo of ohwx, number ${i}. `.repeat(i % 5)
    await writeFile(join(folder, inside, `${i}.txt`), caption)
    hashes.set(`${inside}/${i}.txt`, createHash('sha256').update(caption).digest('hex'))
  }
  return hashes
}

/** Leaves the records of an upload in parts for objects that others put into the store that `env` names. Reads them. */
export async function recordChecksums(
  env: Readonly<Record<string, string>>,
  keys: readonly string[],
): Promise<Map<string, Checksums>> {
  const { store } = openNodeStore(readConfig(env), { ids: createIds(), clock: createSystemClock() })
  const digests = createDigests()
  const records = createObjectRecords({ store, digests })
  const { signal } = new AbortController()
  const recorded = new Map<string, Checksums>()
  for (const key of keys.map(parseObjectKey)) {
    const object = await store.get(key, { signal })
    if (object === undefined) throw new Error(`${key} is not there`)
    const running = digests.start()
    for await (const chunk of object.body as unknown as AsyncIterable<Uint8Array>) running.update(chunk)
    const checksums = running.read()
    await records.write(key, object.meta.etag, checksums, { signal })
    recorded.set(key, checksums)
  }
  return recorded
}
