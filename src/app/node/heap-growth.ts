import { getHeapStatistics } from 'node:v8'

const MiB = 2 ** 20
/** So much may come together before it is worth the pause of a collection, about a millisecond for each MiB that is alive. */
const growthMinBytes = 32 * MiB
const lookEveryMs = 100

export interface Heap {
  /** Of JavaScript alone: what buffers hold outside of it is freed with the young generation. */
  usedBytes(): number
  /** All of it, at once. */
  collect(): void
}

/**
 * Looks once at the heap; to be called again and again. Collects when it has grown by half of what was alive, and by 32 MiB
 * at least. V8 itself lets it grow to four times what is alive, and many small objects under way make it do so.
 */
export function createHeapWatch(heap: Heap): () => void {
  let aliveBytes = Number.POSITIVE_INFINITY
  return () => {
    const usedBytes = heap.usedBytes()
    // V8 collects, too.
    aliveBytes = Math.min(aliveBytes, usedBytes)
    if (usedBytes - aliveBytes <= Math.max(growthMinBytes, aliveBytes / 2)) return
    heap.collect()
    aliveBytes = heap.usedBytes()
  }
}

/** For as long as the process runs; it keeps no process running. Does nothing without Node's `--expose-gc`. */
export function boundHeapGrowth(): void {
  const { gc } = globalThis
  if (gc === undefined) return
  const look = createHeapWatch({ usedBytes: () => getHeapStatistics().used_heap_size, collect: () => void gc() })
  setInterval(look, lookEveryMs).unref()
}
