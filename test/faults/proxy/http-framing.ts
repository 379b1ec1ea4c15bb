/** One HTTP/1.1 message as its bytes go by. Offsets count from its first byte. */
export interface Message {
  /** Its first line. */
  readonly startLine: string
  readonly headers: ReadonlyMap<string, string>
  readonly headBytes: number
  /** Of the whole message; `undefined` while nobody can know it: chunked, or ended by the connection's end. */
  readonly sizeBytes: number | undefined
}

export interface Piece {
  readonly message: Message
  readonly offset: number
  readonly bytes: Uint8Array
  /** The message ends with this piece. */
  readonly last: boolean
}

export interface Framing {
  /** What came, cut where messages begin and end. A head is one piece, even when it came in several. */
  push(chunk: Uint8Array): Piece[]
}

type Body =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }

const longestHeadBytes = 256 * 1024

/**
 * Finds the messages in one direction of a connection. `bodyOf` says how the body of a message ends, from its head alone;
 * throws for a head that never ends.
 */
export function createFraming(bodyOf: (startLine: string, headers: ReadonlyMap<string, string>) => Body): Framing {
  let head: Uint8Array = new Uint8Array(0)
  let open: { message: Message; offset: number; end: (chunk: Uint8Array) => number | undefined } | undefined

  const takeHead = (chunk: Uint8Array): { piece: Piece | undefined; rest: Uint8Array } => {
    const seen = Buffer.concat([head, chunk])
    const end = seen.indexOf('\r\n\r\n')
    if (end === -1) {
      if (seen.length > longestHeadBytes) throw new Error('the head of a message does not end')
      head = seen
      return { piece: undefined, rest: new Uint8Array(0) }
    }
    head = new Uint8Array(0)
    const bytes = seen.subarray(0, end + 4)
    const { startLine, headers } = parseHead(bytes)
    const body = bodyOf(startLine, headers)
    const headBytes = bytes.length
    const sizeBytes = body.kind === 'length' ? headBytes + body.bytes : undefined
    const message: Message = { startLine, headers, headBytes, sizeBytes }
    const last = sizeBytes === headBytes
    if (!last) open = { message, offset: headBytes, end: endOf(body) }
    return { piece: { message, offset: 0, bytes, last }, rest: seen.subarray(end + 4) }
  }

  const takeBody = (chunk: Uint8Array, { message, offset, end }: NonNullable<typeof open>) => {
    const length = end(chunk)
    const bytes = length === undefined ? chunk : chunk.subarray(0, length)
    open = length === undefined ? { message, offset: offset + chunk.length, end } : undefined
    return { piece: { message, offset, bytes, last: length !== undefined }, rest: chunk.subarray(bytes.length) }
  }

  return {
    push(chunk) {
      const pieces: Piece[] = []
      let rest = chunk
      while (rest.length > 0) {
        const taken = open === undefined ? takeHead(rest) : takeBody(rest, open)
        if (taken.piece !== undefined) pieces.push(taken.piece)
        rest = taken.rest
      }
      return pieces
    },
  }
}

export const requestFraming = (): Framing =>
  createFraming((_, headers) => announced(headers) ?? { kind: 'length', bytes: 0 })

/** `isHead` is asked for each answer: those to HEAD have no body, whatever they announce. */
export const answerFraming = (isHead: () => boolean): Framing =>
  createFraming((startLine, headers) => {
    const status = Number(startLine.split(' ')[1])
    if (isHead() || status < 200 || status === 204 || status === 304) return { kind: 'length', bytes: 0 }
    return announced(headers) ?? { kind: 'until-close' }
  })

function announced(headers: ReadonlyMap<string, string>): Body | undefined {
  if (/\bchunked\b/i.test(headers.get('transfer-encoding') ?? '')) return { kind: 'chunked' }
  const length = headers.get('content-length')
  return length === undefined ? undefined : { kind: 'length', bytes: Number(length) }
}

function parseHead(bytes: Buffer): { startLine: string; headers: Map<string, string> } {
  const [startLine = '', ...lines] = bytes.toString('latin1').trimEnd().split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { startLine, headers }
}

/** Fed with the body as it comes; gives how many bytes of the last chunk still belong to it once it is over. */
function endOf(body: Body): (chunk: Uint8Array) => number | undefined {
  if (body.kind === 'until-close') return () => undefined
  if (body.kind === 'chunked') return endOfChunked()
  let left = body.bytes
  return (chunk) => {
    const taken = Math.min(left, chunk.length)
    left -= taken
    return left === 0 ? taken : undefined
  }
}

/** RFC 9112 §7.1: sizes in lines of their own, a chunk of nothing, trailers, an empty line. */
function endOfChunked(): (chunk: Uint8Array) => number | undefined {
  let line = ''
  /** Bytes of the chunk and the line end behind it. */
  let skip = 0
  let trailers = false
  return (chunk) => {
    for (let i = 0; i < chunk.length; i++) {
      if (skip > 0) {
        const taken = Math.min(skip, chunk.length - i)
        skip -= taken
        i += taken - 1
        continue
      }
      line += String.fromCharCode(chunk[i] ?? 0)
      if (!line.endsWith('\r\n')) continue
      if (trailers && line === '\r\n') return i + 1
      if (!trailers) {
        const size = Number.parseInt(line, 16)
        if (size > 0) skip = size + 2
        else trailers = true
      }
      line = ''
    }
    return undefined
  }
}
