import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installed } from '../domain/export/programs.ts'
import type { Child } from '../servers/child.ts'
import { startNode } from '../servers/start-node.ts'
import { makeExport, putObject, uploadSamples } from './export-client.ts'
import { writeManyFiles } from './foreign-files.ts'
import { type Contents, readers } from './read-by.ts'

let folder: string
let service: Child

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lora-storage-exports-'))
  service = await startNode({ DATA_DIR: join(folder, 'data') })
})

afterAll(async () => {
  await service?.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

interface Exported {
  readonly url: string
  readonly expected: Contents
}

/** The sample set, uploaded as a browser does. */
async function exportSamples(): Promise<Exported> {
  const hashes = await uploadSamples(service.caught, 'samples')
  const made = await makeExport(service.caught, [{ dataset: 'samples' }])
  expect(made.files).toBe(27)
  return { url: made.url, expected: new Map([...hashes].map(([name, hash]) => [`samples/${name}`, hash])) }
}

/** Keys that some file system could not hold side by side, or at all, and the names that they get in the archive. */
const awkward: Readonly<Record<string, string>> = {
  'files/names/equal/one/a.txt': 'names/equal/one/a.txt',
  'files/names/equal/two/a.txt': 'names/equal/two/a.txt',
  'files/names/Case.txt': 'names/Case.txt',
  'files/names/case.txt': 'names/case (2).txt',
  'files/names/straße.txt': 'names/straße (2).txt',
  'files/names/STRASSE.txt': 'names/STRASSE.txt',
  'files/names/CON .txt': 'names/_CON .txt',
  'files/names/conin$': 'names/_conin$',
  'files/names/12:30?.txt': 'names/12_30_.txt',
  'files/names/12_30*.txt': 'names/12_30_ (2).txt',
  'files/names/empty': 'names/empty',
  'files/names/Zażółć gęślą jaźń 日本 🎉.txt': 'names/Zażółć gęślą jaźń 日本 🎉.txt',
}

/** Put into the folder by others, among them empty ones: nobody has ever told what their checksums are. */
async function exportForeignFiles(): Promise<Exported> {
  const hashes = await writeManyFiles(join(folder, 'data/lora-dashboard/files/foreign'), 40)
  const { url } = await makeExport(service.caught, [{ prefix: 'files/foreign/' }])
  return { url, expected: new Map([...hashes].map(([path, hash]) => [`foreign/${path}`, hash])) }
}

async function exportAwkwardNames(): Promise<Exported> {
  const expected = new Map<string, string>()
  for (const [key, name] of Object.entries(awkward)) {
    const body = key.endsWith('/empty') ? '' : `what ${key} has`
    await putObject(service.caught, key, body)
    expected.set(name, createHash('sha256').update(body).digest('hex'))
  }
  return { url: (await makeExport(service.caught, [{ prefix: 'files/names/' }])).url, expected }
}

describe.each([
  ['the sample set', exportSamples],
  ['awkward names', exportAwkwardNames],
  ['files that others put there', exportForeignFiles],
])('an export of %s', (_, prepare) => {
  let exported: Exported
  beforeAll(async () => {
    exported = await prepare()
  })

  it.for(readers)('is read by $title, names and bytes', async ({ program, read }, ctx) => {
    installed(ctx, program)
    expect(await read(exported.url, folder)).toEqual(exported.expected)
  })
})
