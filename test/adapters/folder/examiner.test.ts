import { expect, it } from 'vitest'
import { fileSystemFinding, locksFinding, spaceFinding } from '../../../src/adapters/folder/examiner.ts'

const GiB = 2 ** 30

it('space that is scarce is warned of, none is broken', () => {
  const space = (freeBytes: number) => spaceFinding({ freeBytes, totalBytes: 100 * GiB })
  expect(space(50 * GiB)).toEqual({ check: 'free space', verdict: 'works', detail: '50.0 GiB of 100.0 GiB' })
  expect(space(GiB)).toMatchObject({ verdict: 'works', fix: expect.any(String) })
  expect(space(0)).toMatchObject({ verdict: 'broken' })
})

it('objects and state on two file systems are broken: nothing could be renamed into its place', () => {
  expect(fileSystemFinding(true)).toMatchObject({ verdict: 'works' })
  expect(fileSystemFinding(false)).toMatchObject({ verdict: 'broken' })
})

it('locks that do not reach other processes are missing', () => {
  expect(locksFinding(true)).toMatchObject({ verdict: 'works' })
  expect(locksFinding(false)).toMatchObject({ verdict: 'missing', instead: expect.any(String) })
})
