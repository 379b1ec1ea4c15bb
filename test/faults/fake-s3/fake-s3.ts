import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Answer, emptyAnswer, errorAnswer } from './answer.ts'
import { type BucketState, md5, withoutEffect } from './bucket-state.ts'
import { corsHeaders } from './cors.ts'
import { deliver, type Ending, flipped } from './delivery.ts'
import { createInjections, type Fault, type FaultAnswer, type Injections } from './fault.ts'
import { operate } from './operations.ts'
import { type ProfileName, profiles, type Quirks } from './profiles.ts'
import { createRandomFaults } from './random-faults.ts'
import { type Operation, parseHead, type RequestHead } from './request.ts'
import { S3Error } from './s3-error.ts'
import type { Account } from './signature.ts'

export interface FakeS3Options {
  readonly profile: ProfileName
  /** What is to differ from the profile. */
  readonly quirks?: Partial<Quirks>
  /** Of the upload ids and of the random failures. Default: 1. */
  readonly seed?: number
  /** The share of requests that fail in one way or another, from 0 to 1. Default: 0. */
  readonly failureShare?: number
  /** The server's clock. Default: the real time. */
  readonly nowMs?: () => number
}

export interface SeenRequest {
  readonly operation: Operation
  readonly key: string | undefined
  /** As it was answered; `undefined` as long as it was not, and when the connection was dropped before. */
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  /** What it met: injected or random. */
  readonly fault: Fault | undefined
}

export interface FakeS3 {
  /** `http://127.0.0.1:{port}` */
  readonly origin: string
  readonly region: string
  /** Exists. */
  readonly bucket: string
  readonly credentials: Account
  /** What is really stored, by whole key. The ETag is without quotes. */
  object(
    key: string,
  ): { body: Uint8Array; etag: string; contentType?: string; metadata: Record<string, string> } | undefined
  /** Of all objects, by UTF-8 bytes. */
  keys(): string[]
  openUploads(): { key: string; uploadId: string; parts: number }[]
  /** Every object that was ever stored by a request, in order: the writes that took effect. */
  readonly commits: readonly { readonly key: string; readonly etag: string }[]
  /** Every request, in the order of their heads. */
  readonly requests: readonly SeenRequest[]
  count(operation?: Operation): number
  /** TCP connections open now. */
  connections(): number
  /** Which requests of `operation`, counted from 1 from now on, meet `fault`. Returns a way to take it back. */
  readonly inject: Injections['inject']
  /** Puts or replaces an object behind the service's back. */
  putDirectly(key: string, body: Uint8Array): void
  /** Ends every connection and forgets what was to land later. May be called again. */
  stop(): Promise<void>
}

/** An S3 server in memory, on a free port of 127.0.0.1, that is exactly as strict and as strange as its profile says. */
export async function startFakeS3(options: FakeS3Options): Promise<FakeS3> {
  const { profile, seed = 1, failureShare = 0, nowMs = Date.now } = options
  const quirks: Quirks = { ...profiles[profile], ...options.quirks }
  const account = accounts[profile] ?? amazonAccount
  const timers = new Set<NodeJS.Timeout>()
  let ids = 0

  const state: BucketState = {
    name: 'fake-bucket-7f3a',
    quirks,
    objects: new Map(),
    uploads: new Map(),
    closed: new Map(),
    counts: new Map(),
    commits: [],
    lastWriteMs: new Map(),
    nowMs,
    nextId: () => md5(Buffer.from(`${seed} ${++ids}`)).toString('hex'),
    later(ms, work) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        work()
      }, ms)
      timers.add(timer)
    },
  }

  const injections = createInjections()
  const randomFault = createRandomFaults({ share: failureShare, seed })
  const requests: { -readonly [Name in keyof SeenRequest]: SeenRequest[Name] }[] = []

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = `${requests.length}`.padStart(16, '0')
    const resource = request.url ?? '/'
    const head = headOf(request)
    const operation = head instanceof S3Error ? 'Other' : head.operation
    const key = head instanceof S3Error ? undefined : head.key
    const fault = injections.next(operation) ?? randomFault(operation, key)
    const seen: (typeof requests)[number] = { operation, key, status: undefined, headers: request.headers, fault }
    requests.push(seen)

    const body = await readBody(request, quirks.bodyBytesMax)
    if (body === 'cut') return
    if (fault !== undefined && 'delayMs' in fault)
      await new Promise<void>((resolve) => state.later(fault.delayMs, resolve))

    const perform = (): Answer => {
      try {
        if (head instanceof S3Error) throw head
        if (body === 'too-large') {
          throw new S3Error(413, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
        }
        const flip = fault !== undefined && 'received' in fault ? fault.received.flipByteAt : undefined
        return operate({ ...head, body: flip === undefined ? body : flipped(body, flip) }, state, account)
      } catch (error) {
        return errorAnswer(error, { requestId, resource })
      }
    }
    const ending = endingOf(fault, perform, state)
    if (ending.kind === 'answer') seen.status = ending.answer.status
    response.setHeader('server', 'AmazonS3')
    response.setHeader('date', new Date(nowMs()).toUTCString())
    response.setHeader('x-amz-request-id', requestId)
    response.setHeader('x-amz-id-2', 'fake')
    if (!(head instanceof S3Error)) {
      for (const [name, value] of Object.entries(corsHeaders(head, quirks.cors))) response.setHeader(name, value)
    }
    await deliver(response, request.method ?? 'GET', ending)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  // Slow and idle clients are the tests' business; a connection that the server closes in between would be a fault of its own.
  server.requestTimeout = 0
  server.headersTimeout = 0
  server.keepAliveTimeout = 0
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // A client that resets is no error of ours.
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    origin: `http://127.0.0.1:${port}`,
    region: quirks.region,
    bucket: state.name,
    credentials: account,
    object(key) {
      const object = state.objects.get(key)
      if (object === undefined) return undefined
      const { body, etag, contentType, metadata } = object
      return { body, etag, metadata: { ...metadata }, ...(contentType !== undefined && { contentType }) }
    },
    keys: () => [...state.objects.keys()].sort((a, b) => Buffer.from(a).compare(Buffer.from(b))),
    openUploads: () =>
      [...state.uploads.values()].map(({ key, uploadId, parts }) => ({ key, uploadId, parts: parts.size })),
    commits: state.commits,
    requests,
    count: (operation) => requests.filter((seen) => operation === undefined || seen.operation === operation).length,
    connections: () => sockets.size,
    inject: injections.inject,
    putDirectly(key, body) {
      const etag = md5(body).toString('hex')
      const facts = { contentType: undefined, metadata: {}, headers: {} }
      state.objects.set(key, { ...facts, body: Uint8Array.from(body), etag, lastModifiedMs: nowMs() })
    },
    async stop() {
      for (const timer of timers) clearTimeout(timer)
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const amazonAccount: Account = {
  accessKeyId: 'AKIAFAKES3FAKES3FAKE',
  secretAccessKey: 'fakeS3/fakeS3+fakeS3/fakeS3+fakeS3/fakeS',
}
const accounts: Partial<Record<ProfileName, Account>> = {
  // Row 2: other shapes are refused.
  runpod: {
    accessKeyId: 'user_fakeS3fakeS3fakeS3fake',
    secretAccessKey: 'rps_fakeS3fakeS3fakeS3fakeS3fakeS3fakeS3fake',
  },
}

function headOf({ method = 'GET', url = '/', headers }: IncomingMessage): RequestHead | S3Error {
  try {
    return parseHead(method, url, headers)
  } catch (error) {
    if (error instanceof S3Error) return error
    throw error
  }
}

/** The whole body. What is too large is read to its end and thrown away, so that the refusal arrives. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<Uint8Array | 'too-large' | 'cut'> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      bytes += piece.byteLength
      if (bytes <= bytesMax) pieces.push(piece)
    }
  } catch {
    return 'cut'
  }
  return bytes > bytesMax ? 'too-large' : Buffer.concat(pieces, bytes)
}

/** What the fault makes of the request. `perform` is called once at most: now, later, or never. */
function endingOf(fault: Fault | undefined, perform: () => Answer, state: BucketState): Ending {
  if (fault === undefined || 'delayMs' in fault || 'received' in fault) return { kind: 'answer', answer: perform() }
  if ('body' in fault) return { kind: 'answer', answer: perform(), body: fault.body }
  if ('loses' in fault) return { kind: 'answer', answer: withoutEffect(state, perform) }
  if ('commitLater' in fault) {
    state.later(fault.commitLater.ms, perform)
    return { kind: 'answer', answer: told(fault.answer) }
  }
  if (fault.when === 'after-commit') perform()
  if ('answer' in fault) return { kind: 'answer', answer: told(fault.answer) }
  return { kind: 'drop' in fault ? fault.drop : 'hang' }
}

const told = ({ status, headers = {}, body = '' }: FaultAnswer): Answer => ({
  ...emptyAnswer(status, { ...headers }),
  body: Buffer.from(body),
})
