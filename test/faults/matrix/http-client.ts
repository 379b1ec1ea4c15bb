import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'

/** How a connection told the end of an answer. `clean`: as a whole one ends; what that is worth is for the test to say. */
export type Ending = 'clean' | 'broken' | 'no-answer'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly ending: Ending
  readonly durationMs: number
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** Told of the request as soon as it is made, to break it off. */
  readonly made?: (request: ClientRequest) => void
  /** Told of each piece of the answer. Returning a promise makes the client read no faster. */
  readonly onPiece?: (piece: Buffer, seenBytes: number) => void | Promise<void>
}

/** A client that tells apart what `fetch` makes one error of. Never throws; one connection for each request. */
export async function ask(
  url: string,
  { method = 'GET', headers = {}, body, made, onPiece }: Asked = {},
): Promise<Answer> {
  const startedAtMs = performance.now()
  const agent = new Agent({ keepAlive: false })
  const pieces: Buffer[] = []
  const answer = (status: number, answered: IncomingHttpHeaders, ending: Ending): Answer => ({
    status,
    headers: answered,
    body: Buffer.concat(pieces),
    ending,
    durationMs: performance.now() - startedAtMs,
  })
  return new Promise((resolve) => {
    const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
    const asked = request(url, { method, agent, headers: { ...length, ...headers } })
    asked.on('error', () => resolve(answer(0, {}, 'no-answer')))
    asked.on('response', async (response) => {
      const status = response.statusCode ?? 0
      // What breaks later is seen by the loop.
      response.on('error', () => {})
      let seenBytes = 0
      try {
        for await (const piece of response as AsyncIterable<Buffer>) {
          pieces.push(piece)
          seenBytes += piece.byteLength
          await onPiece?.(piece, seenBytes)
        }
        resolve(answer(status, response.headers, response.complete ? 'clean' : 'broken'))
      } catch {
        resolve(answer(status, response.headers, 'broken'))
      }
    })
    made?.(asked)
    asked.end(body)
  })
}

export async function askJson(
  url: string,
  method: string,
  json: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const answer = await ask(url, {
    method,
    body: JSON.stringify(json),
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { ...answer, json: parsed(answer.body) }
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>
  } catch {
    return {}
  }
}
