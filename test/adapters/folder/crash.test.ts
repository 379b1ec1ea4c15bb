import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { dataFolder, filesIn, key, listKeys, put, sha256, signal } from './open-folder.ts'
import { runChild } from './run-child.ts'

it('a killed process leaves every acknowledged object whole, and nothing half done in sight', {
  timeout: 120_000,
}, async () => {
  const { root, stateDir, open } = await dataFolder()
  const acknowledged = new Map<string, string>()
  for (let round = 0; round < 5; round++) {
    const child = runChild('write', root, stateDir, `round-${round}`)
    while (child.lines.length < 2) await sleep(5)
    await sleep(Math.random() * 150)
    child.process.kill('SIGKILL')
    for (const line of await child.ended) {
      const [outcome, name = '', sum = ''] = line.split(' ')
      expect(outcome).toBe('applied')
      acknowledged.set(name, sum)
    }
  }

  const store = open()
  const listed = await listKeys(store)
  expect(listed).toEqual(expect.arrayContaining([...acknowledged.keys()]))
  expect((await filesIn(root)).sort()).toEqual([...listed].sort())
  for (const name of listed) {
    const got = await store.get(key(name), { signal })
    const body = new Uint8Array(await new Response(got?.body).arrayBuffer())
    expect(got?.meta).toMatchObject({ sizeBytes: 8 * 2 ** 20, checksums: { sha256: sha256(body) } })
    // The one that is overwritten may have got a last version whose acknowledgement was lost with the process.
    if (acknowledged.has(name) && name !== 'overwritten')
      expect(got?.meta.checksums?.sha256).toBe(acknowledged.get(name))
  }

  // What held a lock is dead, and its locks are free.
  await put(store, 'overwritten', 'after')
  expect(await store.deleteMany(listed.map(key), { signal })).toEqual(
    listed.map((name) => ({ key: name, error: undefined })),
  )
})
