import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../random.ts'
import type { Piece } from './http-framing.ts'
import { offsetOf, type Toxic } from './toxics.ts'

export type Cut = 'reset' | 'close' | 'stall'

const stepsPerSecond = 20

/**
 * Passes one piece on, as the toxics of its message let it. Gives how many bytes are on their way, and the cut that it ran
 * into behind them. Rejects with the signal's reason when the connection is over.
 */
export async function deliver(
  { message, offset, bytes, last }: Piece,
  toxics: readonly Toxic[],
  to: Socket,
  { random, signal }: { random: Random; signal: AbortSignal },
): Promise<{ readonly bytes: number; readonly cut: Cut | undefined }> {
  let passing = bytes
  let cut: { readonly how: Cut; readonly at: number } | undefined
  for (const toxic of toxics) {
    if (toxic.toxic === 'latency' && offset === 0) {
      await sleep(toxic.delayMs + random.fraction() * (toxic.jitterMs ?? 0), undefined, { signal })
    }
    if (toxic.toxic === 'flip') passing = flipped(passing, offsetOf(toxic.at, message) - offset)
    if (toxic.toxic === 'reset' || toxic.toxic === 'close' || toxic.toxic === 'stall') {
      const at = offsetOf(toxic.at, message) - offset
      const within = at >= 0 && (at < passing.length || (last && at === passing.length))
      if (within && (cut === undefined || at < cut.at)) cut = { how: toxic.toxic, at }
    }
  }
  const passed = cut === undefined ? passing : passing.subarray(0, cut.at)
  await pass(passed, toxics, to, signal)
  return { bytes: passed.length, cut: cut?.how }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  if (at < 0 || at >= bytes.length) return bytes
  const changed = Uint8Array.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

async function pass(bytes: Uint8Array, toxics: readonly Toxic[], to: Socket, signal: AbortSignal): Promise<void> {
  const slicer = toxics.find(({ toxic }) => toxic === 'slicer')
  const bandwidth = toxics.find(({ toxic }) => toxic === 'bandwidth')
  const sizes = [bytes.length]
  const waits: number[] = []
  if (slicer?.toxic === 'slicer') {
    sizes.push(slicer.pieceBytes)
    waits.push(slicer.delayMs)
  }
  if (bandwidth?.toxic === 'bandwidth') {
    sizes.push(Math.max(1, Math.round(bandwidth.bytesPerSecond / stepsPerSecond)))
    waits.push(1000 / stepsPerSecond)
  }
  const stepBytes = Math.min(...sizes)
  const waitMs = Math.max(0, ...waits)
  for (let from = 0; from < bytes.length; from += stepBytes) {
    signal.throwIfAborted()
    // Without a turn of the loop in between the kernel would put slices together again.
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
    else if (slicer !== undefined) await new Promise<void>((resolve) => setImmediate(resolve))
    await written(bytes.subarray(from, from + stepBytes), to, signal)
  }
}

function written(bytes: Uint8Array, to: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = () => reject(signal.reason)
    signal.addEventListener('abort', over, { once: true })
    to.write(bytes, () => {
      signal.removeEventListener('abort', over)
      resolve()
    })
  })
}
