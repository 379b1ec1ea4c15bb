export interface Framing {
  /** The body's bytes in this piece of the connection, as views of it. */
  body(received: Buffer): Iterable<Buffer>
  /** All of the body has been seen. */
  isComplete(): boolean
}

export function knownLength(lengthBytes: number): Framing {
  let leftBytes = lengthBytes
  return {
    body(received) {
      const own = received.subarray(0, leftBytes)
      leftBytes -= own.byteLength
      return [own]
    },
    isComplete: () => leftBytes === 0,
  }
}

/** RFC 9112 §7.1. Extensions and trailers are passed over. Throws where a size should be and is none. */
export function chunked(): Framing {
  let state: 'size' | 'data' | 'data-end' | 'trailer' | 'complete' = 'size'
  let line = ''
  let leftBytes = 0

  /** The line is whole at a line feed. */
  const endLine = () => {
    const ended = line
    line = ''
    if (state === 'data-end') {
      state = 'size'
    } else if (state === 'trailer') {
      if (ended === '\r') state = 'complete'
    } else {
      leftBytes = Number.parseInt(ended, 16)
      if (!(leftBytes >= 0)) throw new Error(`not the size of a chunk: ${JSON.stringify(ended)}`)
      state = leftBytes === 0 ? 'trailer' : 'data'
    }
  }

  return {
    *body(received) {
      for (let at = 0; at < received.byteLength; ) {
        if (state === 'data') {
          const own = received.subarray(at, at + leftBytes)
          at += own.byteLength
          leftBytes -= own.byteLength
          if (leftBytes === 0) state = 'data-end'
          yield own
        } else {
          const lineFeed = received.indexOf(0x0a, at)
          const end = lineFeed === -1 ? received.byteLength : lineFeed
          line += received.toString('latin1', at, end)
          at = end + 1
          if (lineFeed !== -1) endLine()
        }
      }
    },
    isComplete: () => state === 'complete',
  }
}
