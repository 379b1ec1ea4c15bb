import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../random.ts'
import { deliver } from './deliver.ts'
import { answerFraming, type Piece, requestFraming } from './http-framing.ts'
import { type AskedOperation, operationOf } from './s3-operation.ts'
import type { Toxic } from './toxics.ts'

/** One request and its answer. */
export interface Exchange extends AskedOperation {
  readonly method: string
  readonly target: string
  /** Of the request's body, as far as its head says so. */
  readonly announcedBytes: number | undefined
  /** Of the request and of the answer, heads included, that reached the other side. */
  upBytes: number
  downBytes: number
  /** Of the answer; `undefined` until its head is there. */
  status: number | undefined
}

export interface Terms {
  readonly random: Random
  /** Called for each request before any byte of it is passed on. */
  asked(exchange: Exchange): { readonly up: readonly Toxic[]; readonly down: readonly Toxic[] }
  /** The whole answer has been passed on. */
  answered(exchange: Exchange): void
}

export interface ProxiedConnection {
  /** A request is under way. */
  isBusy(): boolean
  reset(): void
  readonly over: Promise<void>
}

/** More of a request than any of ours has; its sender waits then. */
const upQueueMaxBytes = 256 * 2 ** 20
/** After a close: how long the other side may take to close too. */
const closingMs = 1_000

/**
 * Joins two sockets and keeps HTTP apart in between: keep-alive, one request at a time. A side that closes has left, and
 * takes the other side with it: an origin's FIN is passed on, a client's ends the request at the origin.
 */
export function proxyConnection(client: Socket, origin: Socket, terms: Terms): ProxiedConnection {
  const over = new AbortController()
  const { signal } = over
  let current: UnderWay | undefined
  let passes = true
  /** Asked for by the last request. */
  let closeDelayMs = 0
  client.setNoDelay(true)
  origin.setNoDelay(true)

  const end = (how: 'reset' | 'destroy') => {
    over.abort(new Error('the connection is over'))
    for (const socket of [client, origin]) {
      if (socket.destroyed) continue
      if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  const cutOff = async (how: 'reset' | 'close' | 'stall'): Promise<void> => {
    passes = false
    if (how === 'stall') return
    // What was written is in the kernel's hands; a reset must not overtake it.
    await sleep(2)
    if (how === 'reset') return end('reset')
    client.end()
    origin.end()
    setTimeout(() => end('destroy'), closingMs).unref()
  }

  const passUp = async (piece: Piece): Promise<void> => {
    if (piece.offset === 0) {
      current = begin(piece, terms)
      closeDelayMs = Math.max(0, ...current.down.map((one) => (one.toxic === 'slow-close' ? one.delayMs : 0)))
    }
    if (current === undefined) return
    const passing = current
    const { cut, bytes } = await deliver(piece, passing.up, origin, { ...terms, signal })
    passing.exchange.upBytes += bytes
    passing.asked = piece.last && bytes === piece.bytes.length
    if (passing.answered && passing.asked && current === passing) current = undefined
    if (cut !== undefined) await cutOff(cut)
  }

  const passDown = async (piece: Piece): Promise<void> => {
    if (current === undefined) return
    const passing = current
    const { exchange } = passing
    if (piece.offset === 0) exchange.status = Number(piece.message.startLine.split(' ')[1])
    const interim = exchange.status !== undefined && exchange.status < 200
    const { cut, bytes } = await deliver(piece, interim ? [] : passing.down, client, { ...terms, signal })
    exchange.downBytes += bytes
    if (piece.last && !interim && bytes === piece.bytes.length) {
      passing.answered = true
      // A quick client may have asked for the next already.
      if (passing.asked && current === passing) current = undefined
      terms.answered(exchange)
    }
    if (cut !== undefined) await cutOff(cut)
  }

  const inOrder = (work: (piece: Piece) => Promise<void>) => {
    let before = Promise.resolve()
    return (pieces: readonly Piece[]): Promise<void> => {
      for (const piece of pieces) before = before.then(() => (passes && !signal.aborted ? work(piece) : undefined))
      before = before.catch(() => end('destroy'))
      return before
    }
  }

  const requests = requestFraming()
  const sendUp = inOrder(passUp)
  let queuedBytes = 0
  client.on('data', (chunk: Buffer) => {
    // Read on even where nothing is passed on: only a reader learns that the client has left.
    if (!passes) return
    queuedBytes += chunk.length
    if (queuedBytes > upQueueMaxBytes) client.pause()
    sendUp(requests.push(chunk)).then(() => {
      queuedBytes -= chunk.length
      client.resume()
    })
  })

  const answers = answerFraming(() => current?.exchange.method === 'HEAD')
  const sendDown = inOrder(passDown)
  let delivered = Promise.resolve()
  origin.on('data', (chunk: Buffer) => {
    if (!passes) return
    origin.pause()
    delivered = sendDown(answers.push(chunk))
    delivered.then(() => origin.resume())
  })

  client.on('end', () => end('destroy'))
  origin.on('end', async () => {
    await delivered
    if (!passes) return
    if (closeDelayMs > 0) await sleep(closeDelayMs, undefined, { signal }).catch(() => {})
    client.end()
    origin.end()
    setTimeout(() => end('destroy'), closingMs).unref()
  })
  for (const socket of [client, origin]) {
    socket.on('error', () => end('reset'))
    socket.on('close', () => end('destroy'))
  }

  return {
    isBusy: () => current !== undefined,
    reset: () => end('reset'),
    over: new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  }
}

interface UnderWay {
  readonly exchange: Exchange
  readonly up: readonly Toxic[]
  readonly down: readonly Toxic[]
  /** All of the request has been passed on, and all of the answer. */
  asked: boolean
  answered: boolean
}

function begin({ message }: Piece, { asked }: Terms): UnderWay {
  const [method = '', target = ''] = message.startLine.split(' ')
  const { headBytes, sizeBytes } = message
  const exchange: Exchange = {
    ...operationOf(method, target),
    method,
    target,
    announcedBytes: sizeBytes === undefined ? undefined : sizeBytes - headBytes,
    upBytes: 0,
    downBytes: 0,
    status: undefined,
  }
  return { exchange, ...asked(exchange), asked: false, answered: false }
}
