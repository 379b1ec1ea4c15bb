import { StoreUnavailable } from '../../ports/errors.ts'
import { compareKeys } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { broken, works } from './finding.ts'
import { putPlain, type TrialFolder } from './trial-folder.ts'

/** `-` before `/` before `0`; and two that UTF-16 and UTF-8 order differently. */
const names = ['a-1', 'a/x', 'a/y', 'a0', 'b', 'b2/z', '\u{ff5a}', '\u{1d49b}']
const pagesMax = 60

/** One way of listing: what it gave, and what S3 says that it gives. */
export interface ListTrial {
  readonly form: string
  readonly expected: readonly string[]
  readonly got: readonly string[]
  /** It was given up after 60 pages that held next to nothing. */
  readonly endless: boolean
}

export function listAfterWriteFinding(trials: readonly ListTrial[]): StoreFinding {
  const check = 'list after write'
  const stale = trials.filter(({ expected, got }) => !sameSet(expected, got))
  if (stale.length === 0) return works(check, 'a listing shows each write and delete before it')
  return broken(
    check,
    `a listing did not show ${stale.map(({ form }) => form).join(' and ')}`,
    'do not use this store: datasets and processes would seem to lack what was uploaded',
  )
}

/** Names that are missing or foreign are worse than names in an order of the store's own. */
export function listingFinding(trials: readonly ListTrial[]): StoreFinding {
  const check = 'listing'
  const endless = trials.filter((trial) => trial.endless)
  if (endless.length > 0) {
    return works(
      check,
      `${endless.map(({ form }) => form).join(', ')}: given up after ${pagesMax} pages, most of them empty`,
      'give the service a bucket of its own: this store looks through everything, whatever the prefix',
    )
  }
  const other = trials.filter(({ expected, got }) => !sameSet(expected, got) || new Set(got).size < got.length)
  if (other.length > 0) {
    return broken(
      check,
      `other names than it should by ${other.map(({ form }) => form).join(', ')}`,
      'do not use this store for more than a page of 1,000 objects under one prefix',
    )
  }
  const unordered = trials.filter(({ expected, got }) => expected.some((name, i) => name !== got[i]))
  if (unordered.length > 0) {
    return works(
      check,
      `all names, in another order than S3 has by ${unordered.map(({ form }) => form).join(', ')}`,
      'do not rely on the order of listings over this store',
    )
  }
  return works(check, trials.map(({ form }) => form).join(', '))
}

const sameSet = (a: readonly string[], b: readonly string[]) =>
  a.length === new Set(b).size && a.every((name) => b.includes(name))

/** Puts and deletes, each followed by a listing. Seven calls. */
export async function examineListAfterWrite(folder: TrialFolder, options: CallOptions): Promise<StoreFinding[]> {
  const { store, key } = folder
  const trials: ListTrial[] = []
  const look = async (form: string, expected: readonly string[]) => {
    trials.push({ form, expected, ...(await listAll(folder, 'fresh/', { ...options, limit: 100 })) })
  }
  await putPlain(store, key('fresh/1'), 'x', options)
  await look('the first write', ['fresh/1'])
  await putPlain(store, key('fresh/2'), 'x', options)
  await look('the second write', ['fresh/1', 'fresh/2'])
  await store.delete(key('fresh/1'), options)
  await look('a delete', ['fresh/2'])
  return [listAfterWriteFinding(trials)]
}

/** Eight objects, listed in every form that the service uses. About 35 calls. */
export async function examineListing(folder: TrialFolder, { signal }: CallOptions): Promise<StoreFinding[]> {
  const { store, key } = folder
  await Promise.all(names.map((name) => putPlain(store, key(`list/${name}`), 'x', { signal })))
  const all = names.map((name) => `list/${name}`).sort(compareKeys)
  const below = (prefix: string) => all.filter((name) => name.startsWith(prefix))
  const level = ['list/a-1', 'list/a/', 'list/a0', 'list/b', 'list/b2/', ...all.slice(6)].sort(compareKeys)
  const forms: { form: string; prefix: string; delimiter?: '/'; limit: number; expected: readonly string[] }[] = [
    { form: 'prefix', prefix: 'list/', limit: 100, expected: all },
    { form: 'prefix inside a name', prefix: 'list/a', limit: 100, expected: below('list/a') },
    { form: 'delimiter', prefix: 'list/', delimiter: '/', limit: 100, expected: level },
    { form: 'pages of 1', prefix: 'list/', limit: 1, expected: all },
    { form: 'pages of 2', prefix: 'list/', limit: 2, expected: all },
    { form: 'pages with delimiter', prefix: 'list/', delimiter: '/', limit: 2, expected: level },
  ]
  const trials: ListTrial[] = []
  for (const { form, prefix, delimiter, limit, expected } of forms) {
    const listed = await listAll(folder, prefix, { signal, limit, ...(delimiter !== undefined && { delimiter }) })
    trials.push({ form, expected, ...listed })
  }
  return [listingFinding(trials)]
}

/** Every page, names without the folder's prefix; within a page objects and prefixes are put in their common order. */
async function listAll(
  { store, prefix: folder }: TrialFolder,
  prefix: string,
  options: CallOptions & { limit: number; delimiter?: '/' },
): Promise<Pick<ListTrial, 'got' | 'endless'>> {
  const got: string[] = []
  let cursor: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const request = { ...options, prefix: folder + prefix, ...(cursor !== undefined && { cursor }) }
    const found = await store.list(request).catch((error: unknown) => {
      // RunPod is reported to stand still at the first page that is asked for; the service asks again as well.
      if (error instanceof StoreUnavailable) return store.list(request)
      throw error
    })
    const shown = [...found.objects.map(({ key }) => key as string), ...found.prefixes].sort(compareKeys)
    got.push(...shown.map((name) => name.slice(folder.length)))
    cursor = found.cursor
    if (cursor === undefined) return { got, endless: false }
  }
  return { got, endless: true }
}
