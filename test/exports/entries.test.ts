import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createService, publicUrl, type Service } from '../app/memory-service.ts'
import { installed, run } from '../domain/export/programs.ts'

const large = new Uint8Array(3 * 2 ** 20).map((_, index) => (index * 31) % 251)
const files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> = {
  'dataset/łódź/Zdjęcie 日本 11.jpg': 'a name of many scripts',
  "dataset/łódź/name with spaces & 'quotes' #12;x=1%20.txt": 'a name that means something everywhere',
  'dataset/łódź/a[1-3]{b,c}.txt': 'a name that is a pattern',
  'dataset/łódź/empty.txt': '',
  'results/p1/lora/m.safetensors': large,
}

/** A folder of its own, and the list of the files of an export with URLs that lead to the service. */
async function listed(format: 'aria2' | 'urls') {
  const service = createService()
  for (const [key, body] of Object.entries(files)) {
    const path = key.split('/').map(encodeURIComponent).join('/')
    expect((await service.request(`/v1/objects/${path}`, { method: 'PUT', body })).status).toBe(201)
  }
  const port = await service.listen()
  const { id, entries } = await madeExport(service)
  const folder = await mkdtemp(join(tmpdir(), 'entries-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const answer = await service.request(`/v1/exports/${id}?format=${format}`)
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  const list = (await answer.text()).replaceAll(publicUrl, `http://127.0.0.1:${port}`)
  await writeFile(join(folder, 'list.txt'), list)
  return { folder, list, entries }
}

async function madeExport(service: Service) {
  const json = { include: [{ dataset: 'łódź' }, { process: 'p1' }] }
  const made = await service.request('/v1/exports', { method: 'POST', json })
  return (await made.json()) as { id: string; entries: { name: string; key: string }[] }
}

async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = found.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name))
  return new Map(await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path)] as const)))
}

const sorted = (bodies: Iterable<string | Uint8Array | undefined>) =>
  [...bodies].map((body) => Buffer.from(body ?? 'nothing')).sort(Buffer.compare)

it('aria2c -i fetches every file to its place, several at once, and compares their checksums', async (ctx) => {
  installed(ctx, 'aria2c')
  const { folder, list, entries } = await listed('aria2')
  expect(list.match(/^ {2}checksum=sha-256=[0-9a-f]{64}$/gm)).toHaveLength(entries.length)
  const options = ['--no-conf', '-j4', '-x4', '-s4', '-k1M', '--check-integrity=true', '--allow-overwrite=true', '-q']
  await run('aria2c', [...options, '-d', join(folder, 'to'), '-i', join(folder, 'list.txt')])
  const found = await filesIn(join(folder, 'to'))
  expect([...found.keys()].sort()).toEqual(entries.map(({ name }) => name).sort())
  for (const { name, key } of entries) {
    expect([name, found.get(name)?.equals(Buffer.from(files[key] ?? 'nothing'))]).toEqual([name, true])
  }
})

it('wget -i fetches every file', async (ctx) => {
  installed(ctx, 'wget')
  const { folder, list, entries } = await listed('urls')
  expect(list.trimEnd().split('\n')).toHaveLength(entries.length)
  await run('wget', ['-q', '--no-config', '-P', join(folder, 'to'), '-i', join(folder, 'list.txt')])
  const found = await filesIn(join(folder, 'to'))
  // Where a name has a percent sign, wget calls the file otherwise.
  expect(sorted(found.values())).toEqual(sorted(Object.values(files)))
})
