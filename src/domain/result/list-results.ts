import type { CallOptions, ListedObject, ObjectStore } from '../../ports/object-store.ts'
import { everyObject } from '../object/list-objects.ts'
import type { ProcessId } from '../process/process-state.ts'
import { type Result, type ResultKind, resultOf, resultPrefix, resultsBelow } from './result.ts'

export interface WantedResults {
  readonly process: ProcessId | undefined
  readonly kind: ResultKind | undefined
}

export interface ResultPage {
  /** In the order of their keys. */
  readonly results: readonly Result[]
  readonly nextCursor: string | undefined
}

/**
 * One page. Costs one LIST, and of one kind without a process as many as hold none of it in between. A page may be short and
 * still have one behind it.
 */
export async function listResults(
  store: ObjectStore,
  request: CallOptions & WantedResults & { cursor: string | undefined; limit: number },
): Promise<ResultPage> {
  const { limit, signal } = request
  let { cursor } = request
  for (;;) {
    const page = await store.list({
      prefix: resultsBelow(request),
      limit,
      signal,
      ...(cursor === undefined ? {} : { cursor }),
    })
    const results = resultsAmong(page.objects, request)
    if (results.length > 0 || page.cursor === undefined) return { results, nextCursor: page.cursor }
    cursor = page.cursor
  }
}

/** Costs one LIST for each 1,000 results there are. */
export async function everyResult(store: ObjectStore, options: CallOptions): Promise<Result[]> {
  const results: Result[] = []
  for await (const object of everyObject(store, resultPrefix, options)) {
    const result = resultOf(object)
    if (result !== undefined) results.push(result)
  }
  return results
}

export function resultsAmong(objects: readonly ListedObject[], { kind }: Pick<WantedResults, 'kind'>): Result[] {
  return objects
    .map(resultOf)
    .filter((result) => result !== undefined && (kind ?? result.kind) === result.kind) as Result[]
}
