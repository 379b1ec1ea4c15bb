/** The answer to one GET or HEAD of an object. */
export interface ObjectAnswer {
  readonly status: number
  readonly headers: Headers
  /** `null` to a HEAD, and on some runtimes of an empty object. Must be read to its end or cancelled. */
  readonly body: ReadableStream<Uint8Array> | null
  /** All of `body` at once, in its place. For bodies whose length is known to be small. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
}

/**
 * How reads of objects reach the store: one request without a body, whose redirects are not followed and whose answer is not
 * decompressed without saying so. `signal` ends the request and its body. Throws what the runtime does when nobody answers.
 */
export type ObjectFetch = (
  url: string,
  request: {
    readonly method: 'GET' | 'HEAD'
    readonly headers: Readonly<Record<string, string>>
    readonly signal: AbortSignal
  },
) => Promise<ObjectAnswer>

/** By the runtime's own fetch, as everything that is written goes. */
export const webFetch: ObjectFetch = async (url, request) => {
  const answer = await fetch(url, { ...request, redirect: 'manual' })
  const { status, headers, body } = answer
  return { status, headers, body, bytes: async () => new Uint8Array(await answer.arrayBuffer()) }
}
