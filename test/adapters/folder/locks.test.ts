import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createLocks, type FileLock, loadFileLock } from '../../../src/adapters/folder/locks.ts'
import { dataFolder, signal } from './open-folder.ts'

const loaders: [string, () => Promise<FileLock | undefined>][] = [
  ['with file locks', loadFileLock],
  ['without', async () => undefined],
]

for (const [which, load] of loaders) {
  it(`lets one in at a time, and nobody in for one who gave up, ${which}`, async () => {
    const folder = await locksFolder()
    const locks = createLocks(load)
    let inside = 0
    let most = 0
    const work = async () => {
      inside += 1
      most = Math.max(most, inside)
      await sleep(10)
      inside -= 1
    }
    const first = locks.hold(folder, 'k', signal, work)
    const controller = new AbortController()
    const impatient = locks.hold(folder, 'k', controller.signal, work)
    controller.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    await Promise.all([first, ...Array.from({ length: 5 }, () => locks.hold(folder, 'k', signal, work))])
    expect(most).toBe(1)
    await expect(locks.hold(folder, 'k', signal, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    await locks.hold(folder, 'k', signal, work)
  })
}

it('waits for another holder abortably, and takes its turn when that one is gone', async () => {
  const folder = await locksFolder()
  const [one, other] = [createLocks(loadFileLock), createLocks(loadFileLock)]
  const done = Promise.withResolvers<void>()
  const holding = one.hold(folder, 'k', signal, () => done.promise)
  await sleep(20)
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 20)
  await expect(other.hold(folder, 'k', controller.signal, async () => 'in')).rejects.toThrow('enough')
  const patient = other.hold(folder, 'k', signal, async () => 'in')
  done.resolve()
  expect(await patient).toBe('in')
  await holding
})

it('knows whether other processes are kept out', async () => {
  const folder = await locksFolder()
  expect(await createLocks(loadFileLock).reachOthers(folder)).toBe(true)
  expect(await createLocks(async () => undefined).reachOthers(folder)).toBe(false)
  // A file system that says yes to everybody, and one that has no locks.
  expect(await createLocks(async () => ({ tryLock: () => true })).reachOthers(folder)).toBe(false)
  const refuses = () => {
    throw Object.assign(new Error('not here'), { code: 'ENOLCK' })
  }
  expect(await createLocks(async () => ({ tryLock: refuses })).reachOthers(folder)).toBe(false)
})

async function locksFolder(): Promise<string> {
  const folder = join((await dataFolder()).data, 'locks')
  await mkdir(folder)
  return folder
}
