import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'

const root = 'dataset/'

/** The names of all datasets, in key order, a page at a time. Costs one LIST. */
export async function listDatasets(
  store: ObjectStore,
  { cursor, limit, signal }: CallOptions & { cursor: string | undefined; limit: number },
): Promise<{ names: readonly string[]; nextCursor: string | undefined }> {
  const page = await store.list({
    prefix: root,
    delimiter: '/',
    limit,
    signal,
    ...(cursor === undefined ? {} : { cursor }),
  })
  return { names: page.prefixes.map((prefix) => prefix.slice(root.length, -1)), nextCursor: page.cursor }
}
