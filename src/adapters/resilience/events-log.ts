import type { Log } from '../../ports/log.ts'
import type { StoreTelemetry } from '../../ports/store-telemetry.ts'

/** What is worth a line of the log: what went otherwise than it should, and not every attempt. */
export function createEventsLog(log: Log): StoreTelemetry {
  return ({ event, ...facts }) => {
    if (event === 'attempt') return log.debug('store-attempt', facts)
    if (event === 'queued') return log.debug('store-queued', facts)
    if (event === 'settled') return log.info('store-settled', facts)
    log.warn(`store-${event}`, facts)
  }
}
