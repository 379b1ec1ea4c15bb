import { describe, expect, it } from 'vitest'
import { dataFolder, filesIn, listKeys, put, readText } from './open-folder.ts'
import { runChild } from './run-child.ts'

const names = ['one', 'two', 'three', 'four']

describe('several processes on one folder', () => {
  it('lose no update that was applied', async () => {
    const { root, stateDir, open } = await dataFolder()
    await put(open(), 'counter.json', '{"value":0}')
    await Promise.all(names.map((name) => runChild('increment', root, stateDir, name, 25).ended))
    expect(JSON.parse((await readText(open(), 'counter.json')) ?? '')).toMatchObject({ value: 100 })
  })

  it('agree on one winner for each new key', async () => {
    const { root, stateDir, open } = await dataFolder()
    const won = await Promise.all(names.map((name) => runChild('create', root, stateDir, name, 40).ended))
    const winners = names.flatMap((name, i) => (won[i] ?? []).map((key) => [`race/${key}`, name] as const))
    expect(winners).toHaveLength(40)
    const store = open()
    for (const [key, name] of winners) expect(await readText(store, key)).toBe(name)
    expect(await listKeys(store)).toHaveLength(40)
  })

  it('make and prune the same folders without losing a file', async () => {
    const { root, stateDir, open } = await dataFolder()
    await Promise.all(names.map((name) => runChild('churn', root, stateDir, name, 60).ended))
    expect(await listKeys(open())).toEqual([])
    expect(await filesIn(stateDir).then((files) => files.filter((file) => !file.startsWith('locks')))).toEqual([])
    await put(open(), 'churn', 'the folder is gone, so its name is free')
  })

  it('are told when the file system denies', async () => {
    const { root, stateDir } = await dataFolder()
    expect(await runChild('denied', root, stateDir).ended).toEqual(['store-denied', 'store-denied', '1'])
  })
})
