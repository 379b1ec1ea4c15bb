import type { ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import type { BodyFault } from './fault.ts'

const piecesBytes = 64 * 1024
/** A reset overtakes what still lies in the kernel; this lets it arrive first. */
const settleMs = 50

/** How a request ends for the client. */
export type Ending =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly body?: BodyFault | undefined }
  | { readonly kind: 'reset' | 'close' | 'hang' }

/** Carries it out. Resolves when it is over for the server, or when nothing more will be sent. */
export async function deliver(response: ServerResponse, method: string, ending: Ending): Promise<void> {
  if (ending.kind === 'hang') return
  if (ending.kind !== 'answer') return drop(response, ending.kind)
  const { answer, body: fault } = ending
  const { status, headers, body } = answer
  const lengthless = fault !== undefined && 'cutAt' in fault && fault.lengthless === true
  const isChunked = fault !== undefined && 'chunked' in fault && method !== 'HEAD'
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (lengthless) closeDelimited(response)
  // 204 and 304 have no body and so no length.
  else if (status !== 204 && status !== 304 && !isChunked) response.setHeader('content-length', body.byteLength)
  if (method === 'HEAD' || body.byteLength === 0) return finish(response)
  if (fault === undefined || 'chunked' in fault) return sendWhole(response, body)
  if ('flipByteAt' in fault) return sendWhole(response, flipped(body, fault.flipByteAt))
  const { cutAt, how } = fault
  const cutBytes = typeof cutAt === 'number' ? cutAt : Math.floor(cutAt.share * body.byteLength)
  if (cutBytes >= body.byteLength) return sendWhole(response, body)
  response.flushHeaders()
  if (!(await sendPieces(response, body.subarray(0, cutBytes)))) return
  if (how === 'stall') return
  await new Promise((resolve) => setTimeout(resolve, settleMs))
  drop(response, how)
}

/** A copy in which one byte is another; the same when there is no such byte. */
export function flipped(body: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(body)
  const byte = copy[at]
  if (byte !== undefined) copy[at] = byte ^ 1
  return copy
}

function closeDelimited(response: ServerResponse): void {
  response.shouldKeepAlive = false
  // With neither a length nor chunks, Node ends the body by ending the connection.
  response.removeHeader('transfer-encoding')
}

async function sendWhole(response: ServerResponse, body: Uint8Array): Promise<void> {
  if (await sendPieces(response, body)) await finish(response)
}

/** Piece by piece, as fast as the client takes them. `false`: he has left. */
async function sendPieces(response: ServerResponse, body: Uint8Array): Promise<boolean> {
  for (let offset = 0; offset < body.byteLength; offset += piecesBytes) {
    if (response.destroyed) return false
    const piece = body.subarray(offset, offset + piecesBytes)
    const sent = await new Promise<boolean>((resolve) => {
      const gone = () => resolve(false)
      response.once('close', gone)
      response.write(piece, (error) => {
        response.off('close', gone)
        resolve(error == null)
      })
    })
    if (!sent) return false
  }
  return !response.destroyed
}

const finish = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    response.once('close', () => resolve())
    response.end(() => resolve())
  })

function drop({ socket }: ServerResponse, how: 'reset' | 'close'): void {
  if (how === 'reset') socket?.resetAndDestroy()
  else socket?.destroySoon()
}
