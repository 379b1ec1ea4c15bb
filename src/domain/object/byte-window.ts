/**
 * Bounds the bytes that one request holds. `take` waits, first come first served, until they fit; whoever takes must
 * `give` the same number back. A single taking larger than the window is let through alone rather than never.
 */
export interface ByteWindow {
  take(bytes: number, signal: AbortSignal): Promise<void>
  give(bytes: number): void
}

export function createByteWindow(capacityBytes: number): ByteWindow {
  let heldBytes = 0
  const waiting: { bytes: number; admit: () => void }[] = []

  const fits = (bytes: number) => heldBytes === 0 || heldBytes + bytes <= capacityBytes
  const admitWaiting = () => {
    for (let first = waiting[0]; first !== undefined && fits(first.bytes); first = waiting[0]) {
      waiting.shift()
      heldBytes += first.bytes
      first.admit()
    }
  }

  return {
    async take(bytes, signal) {
      signal.throwIfAborted()
      if (waiting.length === 0 && fits(bytes)) {
        heldBytes += bytes
        return
      }
      await new Promise<void>((resolve, reject) => {
        const entry = {
          bytes,
          admit: () => {
            signal.removeEventListener('abort', leave)
            resolve()
          },
        }
        const leave = () => {
          waiting.splice(waiting.indexOf(entry), 1)
          reject(signal.reason)
          admitWaiting()
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.push(entry)
      })
    },
    give(bytes) {
      heldBytes -= bytes
      admitWaiting()
    },
  }
}
