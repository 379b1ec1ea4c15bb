import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { installed } from '../domain/export/programs.ts'
import { eventually } from '../faults/matrix/eventually.ts'
import { makeExport } from './export-client.ts'
import { recordChecksums, writeSparseFile } from './foreign-files.ts'
import { openWorkspace } from './scenarios/workspace.ts'

const GiB = 2 ** 30
const soonMs = 10_000

/** The files below `folder` that the process holds open. Linux alone. */
function openFiles(pid: number, folder: string): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        // Closed since it was listed.
        return ''
      }
    })
    .filter((path) => path.startsWith(folder))
}

it('no file stays open when clients vanish in the middle of an export', async (ctx) => {
  const curl = installed(ctx, 'curl')
  if (process.platform !== 'linux') ctx.skip('looks into /proc')
  const workspace = await openWorkspace()
  onTestFinished(() => workspace.stop())
  const keys = [0, 1, 2].map((index) => `files/large/${index}.bin`)
  for (const [index, key] of keys.entries()) await writeSparseFile(workspace.fileOf(key), GiB / 8, index)
  await recordChecksums(workspace.env, keys)
  const service = await workspace.startService()
  const { url } = await makeExport(service.caught, [{ prefix: 'files/large/' }])
  const objects = workspace.fileOf('files/large')
  expect(openFiles(service.pid, objects)).toEqual([])

  const clients = Array.from({ length: 5 }, () => spawn(curl, ['-s', '--limit-rate', '2M', '-o', '/dev/null', url]))
  onTestFinished(async () => {
    for (const client of clients) client.kill('SIGKILL')
  })
  const open = await eventually(
    () => openFiles(service.pid, objects).length,
    (count) => count >= clients.length,
    soonMs,
  )
  expect(open).toBeGreaterThanOrEqual(clients.length)
  for (const client of clients) {
    const gone = once(client, 'exit')
    client.kill('SIGKILL')
    await gone
  }
  const left = await eventually(
    () => openFiles(service.pid, objects),
    (files) => files.length === 0,
    soonMs,
  )
  expect(left).toEqual([])
})
