import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import type { MetricPoint } from './metric-point.ts'
import type { ReportOperation } from './operation.ts'
import type { ProcessState } from './process-state.ts'

/** How much of a series is carried along in the state, as JSON. Every report reads and writes it. */
const carriedLengthMax = 8 * 1024

export function pointsOf(
  { seq, at, step, metrics, points }: Pick<ReportOperation, 'seq' | 'at' | 'step' | 'metrics' | 'points'>,
  stepBefore: number,
): MetricPoint[] {
  if (points !== undefined) return points.map((point) => ({ seq, at, ...point }))
  return metrics === undefined ? [] : [{ seq, step: step ?? stepBefore, at, metrics }]
}

/** What the state carries from now on, and what has to be stored before it may leave the state. */
export function carry(
  carried: readonly MetricPoint[],
  added: readonly MetricPoint[],
): { readonly points: readonly MetricPoint[]; readonly spilled: readonly MetricPoint[] } {
  const all = [...carried, ...added]
  const fits = carried.length === 0 || JSON.stringify(all).length <= carriedLengthMax
  return fits ? { points: all, spilled: [] } : { points: added, spilled: carried }
}

type Life = Pick<ProcessState, 'id' | 'createdAt'>

/** Of one life: an id may be used again after a deletion. */
export function lifePrefix({ id, createdAt }: Life): string {
  return `processes/metrics/${id}/${Date.parse(createdAt).toString(36)}-`
}

export function chunkPrefix(life: Life, attempt: number): string {
  return `${lifePrefix(life)}${attempt}/`
}

const seqDigits = 16

/**
 * Named by the last `seq` in it. What the state carried when that report was the last is the same for everybody, so that
 * whoever writes this chunk writes the same bytes.
 */
export function chunkKey(state: ProcessState, lastSeq: number): ObjectKey {
  return parseObjectKey(`${chunkPrefix(state, state.attempt)}${`${lastSeq}`.padStart(seqDigits, '0')}.json`)
}

export function lastSeqOf(key: ObjectKey): number {
  return Number(key.slice(-seqDigits - '.json'.length, -'.json'.length))
}

export function encodePoints(points: readonly MetricPoint[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(points))
}

export function decodePoints(bytes: Uint8Array): MetricPoint[] {
  return JSON.parse(new TextDecoder().decode(bytes)) as MetricPoint[]
}
