import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readByJava, readByPython, run } from '../../domain/export/programs.ts'
import { download, makeExport } from '../export-client.ts'
import { recordChecksums, writeManyFiles, writeSparseFile } from '../foreign-files.ts'
import { openWorkspace, type Workspace } from './workspace.ts'

export interface ReadFigures {
  readonly reader: string
  readonly seconds: number
}

/** What an archive is made of: one object for each size, or so many small ones. */
export type Large = { readonly sizes: readonly number[] } | { readonly files: number }

/**
 * Exports objects that others put into a folder and lets five programs read all of it. Returns how long each took; throws
 * at the least complaint, and at a name or a byte that is not as it was. Takes as much room on the disk as the archive.
 */
export async function readLarge(large: Large, onRead: (figures: ReadFigures) => void): Promise<void> {
  const workspace = await openWorkspace()
  try {
    const expected = await fill(workspace, large)
    const { caught: origin } = await workspace.startService()
    const made = await timed('the export', () => makeExport(origin, [{ prefix: 'files/large/' }]))
    const archive = join(workspace.folder, 'large.zip')
    await timed('the download', async () => writeFile(archive, await download(made.url)))

    const sameBytes = (entries: readonly { name: string; sha256: string }[]) => {
      if (entries.length !== expected.size) throw new Error(`${entries.length} entries in place of ${expected.size}`)
      const found = new Map(entries.map(({ name, sha256 }) => [name, sha256]))
      for (const [name, sha256] of expected) if (found.get(name) !== sha256) throw new Error(`${name} differs`)
    }
    await timed('unzip -t', () => run('unzip', ['-tq', archive]))
    await timed('Python zipfile', async () => sameBytes(await readByPython(archive)))
    await timed('7zz t', async () => {
      const said = `${await run('7zz', ['t', archive])}`
      if (!said.includes('Everything is Ok') || /warning|error/i.test(said)) throw new Error(said)
    })
    await timed('bsdtar from a pipe', async () => {
      const listed = `${await run('bsdtar', ['-tf', '-'], { input: await download(made.url) })}`.trim().split('\n')
      const names = made.entries.map(({ name }) => name)
      if (listed.join('\n') !== names.join('\n')) throw new Error('bsdtar lists other names')
      // Unlike a list this checks every CRC-32, and it needs no room.
      await run('bsdtar', ['-xOf', '-'], { input: await download(made.url), deaf: true })
    })
    // It wants every CRC-32 before the bytes: a second export knows what the downloads of the first have taught.
    const second = await timed('a second export', () => makeExport(origin, [{ prefix: 'files/large/' }]))
    await timed('Java ZipInputStream from a pipe', async () => sameBytes(await readByJava(await download(second.url))))
  } finally {
    await workspace.stop()
  }

  async function timed<Result>(reader: string, work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now()
    const result = await work()
    onRead({ reader, seconds: (performance.now() - startedAt) / 1000 })
    return result
  }
}

/** Returns the SHA-256 of each by its name in the archive. */
async function fill({ fileOf, env }: Workspace, large: Large): Promise<Map<string, string>> {
  if ('files' in large) {
    const hashes = await writeManyFiles(fileOf('files/large'), large.files)
    return new Map([...hashes].map(([path, sha256]) => [`large/${path}`, sha256]))
  }
  const keys = large.sizes.map((_, index) => `files/large/${index}.safetensors`)
  for (const [index, sizeBytes] of large.sizes.entries()) {
    await writeSparseFile(fileOf(keys[index] ?? ''), sizeBytes, index)
  }
  const recorded = await recordChecksums(env, keys)
  return new Map([...recorded].map(([key, { sha256 }]) => [key.slice('files/'.length), sha256]))
}
