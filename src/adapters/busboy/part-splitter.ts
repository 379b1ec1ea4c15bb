import { Dicer } from '@fastify/busboy'
import { FormTooLarge, MalformedForm } from './errors.ts'

/** By lower-case name; one character for each byte. */
export type PartHeaders = Readonly<Record<string, readonly string[]>>

export type PartEvent =
  | { readonly type: 'start'; readonly headers: PartHeaders }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }

export interface PartSplitter {
  /** Whether the last boundary was seen; whatever follows it is ignored. */
  readonly ended: boolean
  /** What these bytes begin, continue and end, in order, and then what is wrong with them: throws. */
  push(chunk: Uint8Array): Iterable<PartEvent>
}

/**
 * Cuts a form at its boundaries with busboy's own multipart parser. Everything that a chunk says is known when `push`
 * returns, and nothing is kept but the beginning of a possible boundary and unfinished headers. So whoever reads decides
 * when the next chunk is fetched, and a part that was cut off is never mistaken for a whole one because of a late event.
 */
export function createPartSplitter(boundary: string, { maxHeaderBytes }: { maxHeaderBytes: number }): PartSplitter {
  // The parser cuts long headers without a word. Its limit lies so far above ours that what it cuts is over ours as well,
  // even if all of it is folded lines, of which it keeps one byte in three.
  const config = { boundary, maxHeaderSize: 3 * maxHeaderBytes }
  const parser = new Dicer(config)
  let events: PartEvent[] = []
  let fault: Error | undefined
  let ended = false
  /** Of headers that began in an earlier chunk. */
  let openHeaderBytes: number | undefined

  parser.on('part', (part) => {
    openHeaderBytes = 0
    part.on('header', (headers: object) => {
      openHeaderBytes = undefined
      events.push({ type: 'start', headers: headers as PartHeaders })
    })
    // The stream behind a part would hand on bytes and end at later ticks, and errors apart from them.
    part.push = (bytes: Uint8Array | null) => {
      if (bytes !== null) events.push({ type: 'data', bytes })
      else if (openHeaderBytes === undefined) events.push({ type: 'end' })
      else fault ??= new MalformedForm('a part of the form ends inside of its headers')
      // The parser counts these before it announces the end of the form.
      if (bytes === null) part.emit('end')
      return true
    }
  })
  parser.once('finish', () => {
    ended = true
  })

  return {
    get ended() {
      return ended
    },
    *push(chunk) {
      if (openHeaderBytes !== undefined) openHeaderBytes += chunk.length
      parser.write(chunk)
      const complete = events
      events = []
      for (const event of complete) {
        if (event.type === 'start') checkHeaderBytes(headerBytes(event.headers), maxHeaderBytes)
        yield event
      }
      if (fault !== undefined) throw fault
      checkHeaderBytes(openHeaderBytes ?? 0, maxHeaderBytes)
    },
  }
}

function headerBytes(headers: PartHeaders): number {
  let bytes = 0
  for (const [name, values] of Object.entries(headers)) {
    for (const value of values) bytes += name.length + value.length
  }
  return bytes
}

function checkHeaderBytes(bytes: number, maxHeaderBytes: number): void {
  if (bytes > maxHeaderBytes) throw new FormTooLarge(`the headers of a part have more than ${maxHeaderBytes} bytes`)
}
