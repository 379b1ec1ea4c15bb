import type { Digests } from '../../ports/digests.ts'
import { PreconditionFailed, type StoreUnavailable } from '../../ports/errors.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { StoreTelemetry } from '../../ports/store-telemetry.ts'
import type { World } from './circuit.ts'
import type { OpenedBody } from './open-body.ts'
import { resumedBody } from './resumed-body.ts'
import type { ResilienceSettings } from './settings.ts'

/** The port's `get` with a body that goes on where it broke off; `open` is a guarded call. */
export function createGuardedGet(
  open: (...of: Parameters<ObjectStore['get']>) => Promise<OpenedBody | undefined>,
  guard: Pick<World, 'clock' | 'ids'> & {
    readonly settings: ResilienceSettings
    readonly crc32: Digests['crc32'] | undefined
    /** A body failed in the middle. */
    countFailure(failure: StoreUnavailable): void
    readonly tell: StoreTelemetry
  },
): ObjectStore['get'] {
  const { settings, clock, ids, crc32, countFailure, tell } = guard
  const backoffMs = (failures: number, { retryAfterMs = 0 }: StoreUnavailable) =>
    Math.max(
      ids.fraction() * Math.min(settings.backoffFirstMs * 2 ** failures, settings.backoffMaxMs),
      Math.min(retryAfterMs, settings.retryAfterMaxMs),
    )

  return async (key, which) => {
    const first = await open(key, which)
    if (first === undefined) return undefined
    const { meta, offset, lengthBytes } = first.found
    const body = resumedBody({
      first,
      clock,
      signal: which.signal,
      crc32,
      limits: { ...settings, backoffMs },
      async reopen(from, signal) {
        const range = { offset: from, length: offset + lengthBytes - from }
        const opened = await open(key, { range, ifMatch: meta.etag, signal })
        if (opened === undefined) throw new PreconditionFailed('the object was deleted while it was read')
        return opened
      },
      onFailure(failure, { reopening, resumed, deliveredBytes }) {
        // Attempts at opening it again were counted one by one.
        if (!reopening) countFailure(failure)
        tell({ event: 'body-failed', resumed, deliveredBytes, message: failure.message })
      },
    })
    return { ...first.found, body }
  }
}
