import { type Listed, listDataset, openBody } from '../../peers/bucket.ts'

export interface PeerWorker {
  fetch(request: Request): Promise<Response>
}

/** `GET /{dataset}.zip`. */
export const servePeer = (zip: (listed: Listed[]) => Response): PeerWorker => ({
  async fetch(request) {
    const dataset = new URL(request.url).pathname.slice(1).replace(/\.zip$/, '')
    return zip(await listDataset(dataset))
  },
})

/** One request. On Workers the SDK's bodies are web streams. */
export const openStream = async (key: string): Promise<ReadableStream<Uint8Array>> =>
  (await openBody(key)) as unknown as ReadableStream<Uint8Array>

/** Workers' own: its bytes pass without JavaScript where they come from a stream of the runtime, and its length is announced. */
declare const FixedLengthStream: new (
  lengthBytes: number,
) => { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> }

/** A response of all bytes of `listed`, that `send` writes. */
export function bytesAlone(listed: readonly Listed[], send: (writable: WritableStream<Uint8Array>) => Promise<void>) {
  const { readable, writable } = new FixedLengthStream(listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
  // The length that is missing tells the client.
  send(writable).catch((error: unknown) => writable.abort(error))
  return new Response(readable)
}
