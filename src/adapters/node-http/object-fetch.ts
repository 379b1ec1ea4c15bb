import {
  type AgentOptions,
  globalAgent,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { bytesOf, messageBody, streamOf } from './message-body.ts'

/** What arrives while nobody takes it waits in pieces of this size; then the sender waits. */
const waitingBytes = 256 * 1024
/** Shorter than servers keep one, so that a request is rarely sent on a connection that is about to end. */
const idleSocketMs = 4_000

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  bytes(): Promise<Uint8Array<ArrayBuffer>>
}

/**
 * GET and HEAD by `node:http` and `node:https`, over connections of its own that are kept. What a body has received while
 * its reader was busy is one chunk: with Node's fetch each chunk of at most 64 KiB costs every stream that it passes, which
 * for large objects is more than the bytes do. Redirects are not followed, compressed answers are left as they are. Throws
 * Node's own errors, whose `code` says what was wrong, or the signal's reason.
 */
export function createObjectFetch() {
  // The proxy that Node's own agent and fetch use, if they are told to (`NODE_USE_ENV_PROXY`). Its types lack its options.
  const { proxyEnv } = (globalAgent as HttpAgent & { readonly options: AgentOptions }).options
  const kept = { keepAlive: true, timeout: idleSocketMs, highWaterMark: waitingBytes, proxyEnv }
  const http = { request: httpRequest, agent: new HttpAgent(kept) }
  const https = { request: httpsRequest, agent: new HttpsAgent(kept) }

  return (
    url: string,
    {
      method,
      headers,
      signal,
    }: { method: 'GET' | 'HEAD'; headers: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const { request, agent } = url.startsWith('https:') ? https : http
      // Not by `request`'s own signal: its error would meet a socket that nobody listens to any more, and end the process.
      const leave = () => {
        reject(signal.reason)
        sent.destroy()
      }
      const sent = request(url, { method, headers, agent })
        // Also what comes after the answer, which the body says again.
        .on('error', reject)
        .once('response', (message) => resolve(answerOf(message, method)))
        .once('close', () => signal.removeEventListener('abort', leave))
      signal.addEventListener('abort', leave, { once: true })
      sent.end()
    })
}

function answerOf(message: IncomingMessage, method: 'GET' | 'HEAD'): Answer {
  const start = { status: message.statusCode ?? 0, headers: headersOf(message) }
  if (method === 'HEAD') {
    // Gives the connection back.
    message.resume()
    return { ...start, body: null, bytes: async () => new Uint8Array() }
  }
  const body = messageBody(message)
  return { ...start, body: streamOf(body), bytes: () => bytesOf(body) }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  return headers
}
