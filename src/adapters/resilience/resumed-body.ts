import type { Clock } from '../../ports/clock.ts'
import type { Digests } from '../../ports/digests.ts'
import { StoreMisbehaved, StoreUnavailable } from '../../ports/errors.ts'
import { createBodyPace, type PaceLimits, TooSlow } from './body-pace.ts'
import type { OpenedBody } from './open-body.ts'

export interface ResumedBody {
  readonly first: OpenedBody
  /** The same version from `offset` on, to the same end. Throws `PreconditionFailed` when that version is gone. */
  reopen(offset: number, signal: AbortSignal): Promise<OpenedBody>
  readonly clock: Clock
  readonly limits: PaceLimits & {
    readonly bodyFailuresMax: number
    backoffMs(failures: number, failure: StoreUnavailable): number
  }
  /** The caller's. Its abort ends the body at once. */
  readonly signal: AbortSignal
  /** Checks the bytes against the checksum that their writer noted, when all of them are read. Left out: nobody does. */
  readonly crc32: Digests['crc32'] | undefined
  /** The body failed in the middle, or could not be opened again. Not called for aborts and cancelled bodies. */
  onFailure(failure: StoreUnavailable, how: { reopening: boolean; resumed: boolean; deliveredBytes: number }): void
}

/** One connection that gives a part of the body. */
interface Source {
  read(): Promise<ReadableStreamReadResult<Uint8Array>>
  /** It was read to its end. */
  finish(): void
  release(reason: unknown): void
}

/**
 * The body of `first`, to its end. When it breaks off, ends early, stands still or crawls, it goes on from the very byte
 * over a new request for the same version; it fails only after so many failures without a byte between them, or when that
 * version is gone. The last piece is given out when the checksum of all of them is right: a body that was damaged never
 * looks complete.
 */
export function resumedBody(options: ResumedBody): ReadableStream<Uint8Array> {
  const { first, clock, limits, signal, onFailure } = options
  const { meta, offset, lengthBytes } = first.found
  const ending = new AbortController()
  const checksum = wholeChecksum(options)
  let source: Source | undefined = openSource(first, limits, clock)
  let deliveredBytes = 0
  /** What a source that crawls gives in one window: more than that, and it has moved in between. */
  const slowBytes = (limits.bodyFloorBytesPerSecond * limits.bodyFloorWindowMs) / 1000
  /** In a row, and where the last of them was. */
  let failures = 0
  let failedAtBytes = -1
  let reopening = false
  let stopListening = () => {}

  const letGo = (reason: unknown) => {
    stopListening()
    ending.abort(reason)
    source?.release(reason)
    source = undefined
  }

  const currentSource = async (): Promise<Source> => {
    if (source !== undefined) return source
    reopening = true
    const opened = await options.reopen(offset + deliveredBytes, ending.signal)
    reopening = false
    source = openSource(opened, limits, clock)
    return source
  }

  const nextPiece = async (): Promise<Uint8Array | undefined> => {
    while (source !== undefined || deliveredBytes < lengthBytes) {
      const { done, value } = await (await currentSource()).read()
      if (!done && value.byteLength === 0) continue
      const bytes = value?.byteLength ?? 0
      if (done && deliveredBytes === lengthBytes) return undefined
      if (done) throw new StoreUnavailable(`the body ended ${lengthBytes - deliveredBytes} bytes early`)
      if (deliveredBytes + bytes > lengthBytes) throw new StoreMisbehaved('the store sent more than it announced')
      checksum.update(value)
      if (deliveredBytes + bytes === lengthBytes) checksum.demand(deliveredBytes === 0)
      deliveredBytes += bytes
      return value
    }
    return undefined
  }

  /** Prepares for another try, or throws `error`. */
  const recover = async (error: unknown): Promise<void> => {
    if (ending.signal.aborted || !(error instanceof StoreUnavailable)) throw error
    source?.release(error)
    source = undefined
    // All of it is here; what broke was nothing but the end of the connection.
    if (deliveredBytes === lengthBytes) return
    const isProgress = deliveredBytes - failedAtBytes >= (error instanceof TooSlow ? slowBytes : 1)
    failures = isProgress ? 1 : failures + 1
    failedAtBytes = deliveredBytes
    const resumed = failures <= limits.bodyFailuresMax && error.again !== 'never'
    onFailure(error, { reopening, resumed, deliveredBytes })
    if (!resumed) throw error
    // The first time at once: it was a connection, and not the store.
    if (failures > 1 || reopening) await clock.sleep(limits.backoffMs(failures, error), ending.signal)
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const gone = () => {
          controller.error(signal.reason)
          letGo(signal.reason)
        }
        if (signal.aborted) return gone()
        signal.addEventListener('abort', gone, { once: true })
        stopListening = () => signal.removeEventListener('abort', gone)
      },
      async pull(controller) {
        try {
          for (;;) {
            try {
              const piece = await nextPiece()
              if (ending.signal.aborted) return
              if (piece !== undefined) return controller.enqueue(piece)
              source?.finish()
              stopListening()
              return controller.close()
            } catch (error) {
              await recover(error)
            }
          }
        } catch (error) {
          if (ending.signal.aborted) return
          letGo(error)
          controller.error(error)
        }
      },
      cancel(reason) {
        letGo(reason)
      },
    },
    { highWaterMark: 0 },
  )

  function wholeChecksum({ crc32 }: ResumedBody) {
    const expected = lengthBytes === meta.sizeBytes && lengthBytes > 0 ? meta.checksums?.crc32 : undefined
    let computed = 0
    let damaged = false
    return {
      update(piece: Uint8Array) {
        if (crc32 !== undefined && expected !== undefined) computed = crc32(piece, computed)
      },
      /** What was damaged on its way may come right the next time, if nothing of it was given out; what lies there damaged does not. */
      demand(nothingGivenOut: boolean) {
        if (crc32 === undefined || expected === undefined || computed === Number.parseInt(expected, 16)) return
        const message = 'the bytes do not have the checksum that was noted when they were stored'
        if (damaged || !nothingGivenOut) throw new StoreMisbehaved(message)
        damaged = true
        computed = 0
        throw new StoreUnavailable(message, { blame: 'request' })
      },
    }
  }
}

function openSource({ found, release }: OpenedBody, limits: PaceLimits, clock: Clock): Source {
  const reader = found.body.getReader()
  let standstill: StoreUnavailable | undefined
  const end = (reason: unknown) => {
    pace.stop()
    reader.cancel(reason).catch(() => {})
    release(reason)
  }
  const pace = createBodyPace(limits, clock, (failure) => {
    standstill = failure
    // Ends the read that waits, whatever the source does.
    end(failure)
  })
  return {
    async read() {
      pace.wait()
      const result = await reader.read()
      if (standstill !== undefined) throw standstill
      pace.moved(result.value?.byteLength ?? 0)
      return result
    },
    finish: () => pace.stop(),
    release: end,
  }
}
