import type { ObjectAnswer } from './object-fetch.ts'

/** What S3 answers in place of an object, in the form in which the SDK throws it, which `storeError` reads. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly $metadata: { readonly httpStatusCode: number }
  readonly $response: { readonly headers: Record<string, string> }
  readonly Code: string
  /** Only when the words of the answer were read to their end. */
  declare readonly $fault?: 'client'

  constructor(answer: ObjectAnswer, words: string | undefined, options?: { cause: unknown }) {
    super(words === undefined ? '' : inTag(words, 'Message'), options)
    this.$metadata = { httpStatusCode: answer.status }
    this.$response = { headers: Object.fromEntries(answer.headers) }
    this.Code = inTag(words ?? '', 'Code')
    if (words !== undefined) this.$fault = 'client'
  }
}

const wordsMaxBytes = 64 * 1024

/** Reads what the server says, as far as it is an error of S3's; leaves the connection to others. Never throws. */
export async function readRefusal(answer: ObjectAnswer): Promise<Refusal> {
  try {
    return new Refusal(answer, await wordsOf(answer))
  } catch (cause) {
    return new Refusal(answer, undefined, { cause })
  }
}

async function wordsOf({ body }: ObjectAnswer): Promise<string> {
  if (body === null) return ''
  const decoder = new TextDecoder()
  let words = ''
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
    words += decoder.decode(piece, { stream: true })
    // Leaving the loop cancels the rest.
    if (words.length > wordsMaxBytes) break
  }
  return words
}

function inTag(xml: string, tag: string): string {
  const found = new RegExp(`<${tag}>([^<]{0,1000})</${tag}>`).exec(xml)?.[1] ?? ''
  return found.trim()
}
