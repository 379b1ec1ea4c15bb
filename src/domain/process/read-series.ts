import type { CallOptions, ObjectStore } from '../../ports/object-store.ts'
import { everyObject } from '../object/list-objects.ts'
import { joinProcess, liveEvents } from './merge/join.ts'
import type { MetricPoint } from './metric-point.ts'
import { chunkPrefix, decodePoints, lastSeqOf, pointsOf } from './metric-points.ts'
import type { SeriesRequest } from './process-ledger.ts'
import type { StoredProcess } from './process-reader.ts'
import { readWhole } from './read-whole.ts'

/**
 * A page of what an attempt measured, by `seq`. `undefined` when there is no such process. Costs one LIST per 1,000 chunks,
 * and a GET for each chunk of some hundred points that the page needs.
 *
 * `stored` was read before: what left the document since has been stored as a chunk before that, and is listed.
 */
export async function readSeries(
  store: ObjectStore,
  { id, document, events }: StoredProcess,
  request: SeriesRequest,
  { signal }: CallOptions,
): Promise<readonly MetricPoint[] | undefined> {
  const state = joinProcess(id, document?.state, events)?.state
  if (state === undefined || state.deleted) return undefined
  const { after, limit, attempt = state.attempt } = request
  const bySeq = new Map<number, MetricPoint[]>()
  const add = (points: readonly MetricPoint[]) => {
    for (const [seq, same] of Map.groupBy(points, (point) => point.seq)) {
      if (seq > after && !bySeq.has(seq)) bySeq.set(seq, same)
    }
  }
  const reports = liveEvents(events).filter((event) => event.kind === 'report')
  add(reports.filter((report) => report.attempt === attempt).flatMap((report) => pointsOf(report, 0)))
  // Later ones are read with the chunks before them, never without.
  let isWhole = true
  if (document !== undefined) {
    let read = 0
    for await (const { key } of everyObject(store, chunkPrefix(state, attempt), { signal })) {
      if (lastSeqOf(key) <= after) continue
      isWhole = read < limit
      if (!isWhole) break
      const found = await store.get(key, { signal })
      const points = found === undefined ? [] : decodePoints(await readWhole(found))
      read += points.filter(({ seq }) => seq > after).length
      add(points)
    }
  }
  if (isWhole && document?.state.attempt === attempt) add(document.state.points ?? [])
  const ordered = [...bySeq].sort(([a], [b]) => a - b)
  const page: MetricPoint[] = []
  for (const [, points] of ordered) {
    if (page.length >= limit) break
    page.push(...points)
  }
  return page
}
