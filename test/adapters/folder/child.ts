// One of several processes on one folder; see processes.test.ts and crash.test.ts. Told what to do by its arguments, speaks
// in lines.
import { createHash, randomBytes } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createFolderObjectStore } from '../../../src/adapters/folder/object-store.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'
import type { PutCondition } from '../../../src/ports/object-store.ts'

const [task, root = '', stateDir = '', name = '', count = '0'] = process.argv.slice(2)
const store = createFolderObjectStore({ root, stateDir, nowMs: Date.now })
const { signal } = new AbortController()
const say = (line: string) => new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => resolve()))

const put = async (key: string, body: string | Uint8Array, when: PutCondition) => {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const checksums = { crc32: '00000000', sha256 }
  const { outcome } = await store.put(parseObjectKey(key), bytes, {
    signal,
    when,
    contentType: 'text/plain',
    checksums,
  })
  return { outcome, sha256 }
}

const tasks: Record<string, () => Promise<void>> = {
  /** Adds one to the counter `count` times, by compare and swap. */
  async increment() {
    for (let applied = 0; applied < Number(count); ) {
      const got = await store.get(parseObjectKey('counter.json'), { signal })
      if (got === undefined) throw new Error('no counter')
      const { value } = (await new Response(got.body).json()) as { value: number }
      const next = JSON.stringify({ value: value + 1, by: name })
      if ((await put('counter.json', next, { ifMatch: got.meta.etag })).outcome === 'applied') applied += 1
    }
    await say('done')
  },

  /** Tries to be the first under each of `count` names, in one folder that comes and goes. */
  async create() {
    for (let i = 0; i < Number(count); i++) {
      if ((await put(`race/${i}`, name, 'if-absent')).outcome === 'applied') await say(String(i))
    }
  },

  /** Puts and deletes alone in a folder, so that the folder comes and goes under everybody else. */
  async churn() {
    for (let i = 0; i < Number(count); i++) {
      await put(`churn/deep/${name}-${i}`, name, 'always')
      await store.delete(parseObjectKey(`churn/deep/${name}-${i}`), { signal })
    }
    await say('done')
  },

  /** Writes 8 MiB objects until it is killed, and says which were acknowledged. */
  async write() {
    for (let i = 0; ; i++) {
      const key = i % 3 === 0 ? 'overwritten' : `written/${name}/${i}`
      const { outcome, sha256 } = await put(key, randomBytes(8 * 2 ** 20), 'always')
      await say(`${outcome} ${key} ${sha256}`)
    }
  },

  /** Asks for what it may not do. */
  async denied() {
    await put('before', 'x', 'always')
    await chmod(dirname(root), 0o755)
    await chmod(root, 0o555)
    // Nothing is denied to root.
    if (process.geteuid?.() === 0) process.seteuid?.(65_534)
    for (const attempt of [
      () => put('after', 'x', 'always'),
      () => store.delete(parseObjectKey('before'), { signal }),
    ]) {
      await attempt().then(
        ({ outcome }) => say(outcome),
        (error: { code?: string }) => say(String(error.code)),
      )
    }
    await say(String((await store.head(parseObjectKey('before'), { signal }))?.sizeBytes))
  },
}

await tasks[task ?? '']?.()
