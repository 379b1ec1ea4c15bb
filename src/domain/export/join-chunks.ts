export interface ChunkJoiner {
  /** Takes a chunk, not an empty one, and gives what is ready. The chunk may be passed on itself, so it must not change. */
  push(chunk: Uint8Array): readonly Uint8Array[]
  /** What is left. Call it once, at the end. */
  rest(): readonly Uint8Array[]
}

const joinedBytes = 64 * 1024

/**
 * Joins neighbours that are small into chunks of 64 KiB, so that a header of 60 bytes does not travel alone; passes on
 * what is large. Copies no byte twice and holds less than 128 KiB.
 */
export function createChunkJoiner(): ChunkJoiner {
  let held: Uint8Array | undefined
  let heldBytes = 0

  const rest = (): Uint8Array[] => {
    if (held === undefined) return []
    const ready = held.subarray(0, heldBytes)
    held = undefined
    heldBytes = 0
    return [ready]
  }

  return {
    push(chunk) {
      if (chunk.byteLength >= joinedBytes / 2) return [...rest(), chunk]
      const ready = heldBytes + chunk.byteLength > joinedBytes ? rest() : []
      held ??= new Uint8Array(joinedBytes)
      held.set(chunk, heldBytes)
      heldBytes += chunk.byteLength
      return ready
    },
    rest,
  }
}
