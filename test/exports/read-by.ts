import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Program, readByJava, readByPython, run } from '../domain/export/programs.ts'
import { download } from './export-client.ts'

/** SHA-256 by name. */
export type Contents = ReadonlyMap<string, string>

export interface Reader {
  readonly title: string
  readonly program: Program
  /** What the program finds in the archive at `url`. `folder`: for files of its own. Throws at the least complaint. */
  read(url: string, folder: string): Promise<Contents>
}

export const readers: readonly Reader[] = [
  {
    title: 'unzip',
    program: 'unzip',
    async read(url, folder) {
      const { archive, into } = await saved(url, folder)
      await run('unzip', ['-tq', archive])
      await run('unzip', ['-q', archive, '-d', into])
      return unpacked(into)
    },
  },
  {
    title: 'Python',
    program: 'python3',
    read: async (url, folder) => byName(await readByPython((await saved(url, folder)).archive)),
  },
  {
    title: '7-Zip',
    program: '7zz',
    async read(url, folder) {
      const { archive, into } = await saved(url, folder)
      const said = `${await run('7zz', ['t', archive])}`
      if (!said.includes('Everything is Ok') || /warning|error/i.test(said)) throw new Error(said)
      await run('7zz', ['x', '-bd', `-o${into}`, archive])
      return unpacked(into)
    },
  },
  {
    title: 'bsdtar from a pipe',
    program: 'bsdtar',
    async read(url, folder) {
      const into = await mkdtemp(join(folder, 'into-'))
      await run('bsdtar', ['-xf', '-', '-C', into], { input: await download(url) })
      return unpacked(into)
    },
  },
  {
    title: 'Java from a pipe',
    program: 'java',
    read: async (url) => byName(await readByJava(await download(url))),
  },
]

async function saved(url: string, folder: string): Promise<{ archive: string; into: string }> {
  const into = await mkdtemp(join(folder, 'into-'))
  const archive = `${into}.zip`
  await writeFile(archive, await download(url))
  return { archive, into }
}

/** Throws when two entries have one name. */
function byName(entries: readonly { name: string; sha256: string }[]): Contents {
  const contents = new Map(entries.map(({ name, sha256 }) => [name, sha256]))
  if (contents.size !== entries.length) throw new Error(`${entries.length} entries have ${contents.size} names`)
  return contents
}

/** All files below `root`, by their path in it. */
async function unpacked(root: string): Promise<Contents> {
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  const contents = new Map<string, string>()
  for (const item of found) {
    if (!item.isFile()) continue
    const path = join(item.parentPath, item.name)
    contents.set(relative(root, path), await sha256OfFile(path))
  }
  return contents
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
