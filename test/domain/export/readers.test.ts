import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { entryNames } from '../../../src/domain/export/entry-names.ts'
import { localReadAhead } from '../../../src/domain/export/read-ahead.ts'
import { createReadArchive } from '../../../src/domain/export/read-archive.ts'
import { installed, readByJava, readByPython, run } from './programs.ts'
import { assemble, quiet, type Sample, type SampleFile, sampleOf, sha256, storeSample } from './sample-archive.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The archive as it would be sent, in a file. */
async function archiveFile(name: string, sample: Sample): Promise<string> {
  const { store, layout } = await storeSample(sample)
  const readArchive = createReadArchive({
    store,
    digests: createDigests(),
    clock: createSystemClock(),
    readAhead: localReadAhead,
  })
  const range = { from: 0, toExclusive: layout.lengthBytes }
  const path = join(folder, name)
  await writeFile(path, readArchive(layout, { ...range, signal: quiet, verifyChecksums: true }))
  return path
}

/** All files below `root`, by their path in it. */
async function unpacked(root: string): Promise<Map<string, string>> {
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  const files = found.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name))
  return new Map(
    await Promise.all(files.map(async (path) => [relative(root, path), sha256(await readFile(path))] as const)),
  )
}

const contents = ({ layout, bodies }: Sample) =>
  new Map(layout.entries.map(({ name }, index) => [name, sha256(bodies[index] ?? new Uint8Array())] as const))

const files: readonly SampleFile[] = [
  { name: 'cats/a.png', body: new Uint8Array(70_000).fill(7) },
  { name: 'cats/a.txt', body: 'a cat, sitting' },
  { name: 'cats/leer', body: '' },
  { name: '日本/é ü ß (2).txt', body: 'こんにちは' },
  { name: 'emoji 🎉.txt', body: 'party' },
  { name: "quote's & [brackets] 100%.txt", body: 'x' },
  { name: 'large.safetensors', body: new Uint8Array(3 * 1024 * 1024).map((_, index) => index * 31) },
]

describe.each([
  ['all checksums known', files],
  ['no checksum known', files.map((file) => ({ ...file, crcKnown: false }))],
  ['some checksums known', files.map((file, index) => ({ ...file, crcKnown: index % 2 === 0 }))],
])('an archive with %s', (title, given) => {
  const sample = sampleOf(given)
  const expected = contents(sample)
  let archive: string
  beforeAll(async () => {
    archive = await archiveFile(`${title}.zip`, sample)
  })
  const emptyFolder = async (name: string) => {
    const path = join(folder, `${title} ${name}`)
    await mkdir(path)
    return path
  }

  it('is read by unzip', async (ctx) => {
    const unzip = installed(ctx, 'unzip')
    expect((await run(unzip, ['-t', archive])).toString()).toContain('No errors detected')
    const into = await emptyFolder('unzip')
    await run(unzip, ['-q', archive, '-d', into])
    expect(await unpacked(into)).toEqual(expected)
  })

  it('is read by Python', async (ctx) => {
    installed(ctx, 'python3')
    const read = await readByPython(archive)
    expect(new Map(read.map((entry) => [entry.name, entry.sha256]))).toEqual(expected)
    expect(read.map(({ name }) => name)).toEqual(sample.layout.entries.map(({ name }) => name))
  })

  it('is read by 7-Zip, without a warning', async (ctx) => {
    const sevenZip = installed(ctx, '7zz', '7z')
    const said = (await run(sevenZip, ['t', archive])).toString()
    expect(said).toContain('Everything is Ok')
    expect(said).not.toMatch(/warning|error/i)
    const into = await emptyFolder('7zip')
    await run(sevenZip, ['x', '-bd', `-o${into}`, archive])
    expect(await unpacked(into)).toEqual(expected)
  })

  it.for(['a file', 'a pipe'])('is read by bsdtar from %s', async (source, ctx) => {
    const bsdtar = installed(ctx, 'bsdtar')
    const into = await emptyFolder(`bsdtar from ${source}`)
    await run(bsdtar, ['-xf', source === 'a pipe' ? '-' : archive, '-C', into], { input: archive })
    expect(await unpacked(into)).toEqual(expected)
  })

  it.skipIf(given.some(({ crcKnown }) => crcKnown === false))('is read by Java from a pipe', async (ctx) => {
    installed(ctx, 'java')
    const read = await readByJava(archive)
    expect(new Map(read.map((entry) => [entry.name, entry.sha256]))).toEqual(expected)
  })
})

describe('an archive', () => {
  it('of random files is read by Python and unzip', async (ctx) => {
    installed(ctx, 'python3')
    const unzip = installed(ctx, 'unzip')
    const random = fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-zäß日]{1,8}(\/[A-Z]{1,8}\.png)?$/),
        body: fc.uint8Array({ maxLength: 2_000 }),
        crcKnown: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12, selector: ({ name }) => name },
    )
    for (const [index, given] of fc.sample(random, { numRuns: 12, seed: 1 }).entries()) {
      const sample = sampleOf(given)
      const archive = await archiveFile(`random ${index}.zip`, sample)
      const read = await readByPython(archive)
      expect(read.map(({ name, sha256 }) => [name, sha256])).toEqual([...contents(sample)])
      await run(unzip, ['-tq', archive])
    }
  })

  it.for([
    ['unzip', (archive: string, into: string) => ['-q', archive, '-d', into]],
    ['bsdtar', (archive: string, into: string) => ['-xf', archive, '-C', into]],
    ['7zz', (archive: string, into: string) => ['x', '-bd', `-o${into}`, archive]],
  ] as const)('of files with evil names is unpacked by %s into its folder, none lost', async ([program, args], ctx) => {
    const reader = installed(ctx, program)
    const part = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '',
        '/',
        'C:',
        '~',
        '-rf',
        'con',
        'a',
        'A',
        '*',
        '?',
        ' ',
        '\\',
        '..\\..\\x',
        '\0',
        '__proto__',
      ),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    )
    const place = fc.record({ folder: fc.array(part, { maxLength: 3 }).map((parts) => parts.join('/')), file: part })
    const names = entryNames(fc.sample(place, { numRuns: 150, seed: 7 }))
    const sample = sampleOf(names.map((name, index) => ({ name, body: `${index}` })))
    const outer = join(folder, `evil ${program}`)
    const into = join(outer, 'one', 'two', 'three')
    await mkdir(into, { recursive: true })
    await run(reader, args(await archiveFile(`evil ${program}.zip`, sample), into))
    expect(await unpacked(into)).toEqual(contents(sample))
    expect((await unpacked(outer)).size).toBe(names.length)
  })

  it('of 70,000 files is read by Python and 7-Zip', async (ctx) => {
    installed(ctx, 'python3')
    const sevenZip = installed(ctx, '7zz', '7z')
    const sample = sampleOf(Array.from({ length: 70_000 }, (_, index) => ({ name: `many/${index}.txt`, body: '' })))
    const archive = await archiveFile('many.zip', sample)
    const read = await readByPython(archive)
    expect(read).toHaveLength(70_000)
    expect(read.at(-1)?.name).toBe('many/69999.txt')
    const said = (await run(sevenZip, ['t', archive])).toString()
    expect(said).toContain('Files: 70000')
    expect(said).not.toMatch(/warning|error/i)
  })

  it('of no file is an archive', async (ctx) => {
    installed(ctx, 'python3')
    const path = join(folder, 'none.zip')
    await writeFile(path, assemble(sampleOf([])))
    expect(await readByPython(path)).toEqual([])
  })
})
