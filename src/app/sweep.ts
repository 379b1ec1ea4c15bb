import { createKeyedMutex } from '../adapters/checked-conditions/keyed-mutex.ts'
import { createConsoleLog } from '../adapters/console/log.ts'
import { createDigests } from '../adapters/node-crypto/digests.ts'
import { createSystemClock } from '../adapters/system/clock.ts'
import { createIds } from '../adapters/web-crypto/ids.ts'
import { isSwept, type SweptPrefix, sweepExpired } from '../domain/sweep-expired.ts'
import { InvalidConfig, readConfig } from './config.ts'
import { guardStores } from './guarded-stores.ts'
import { openNodeStore } from './node-store.ts'
import { openS3 } from './s3-store.ts'

// `npm run sweep`: removes what has expired, on the store that the service would use. For a scheduler of the operator's; the
// service does without, because it sweeps on its way.

const exitLeft = 1
/** sysexits.h: the configuration is wrong; we are. */
const exitMisconfigured = 78
const exitSoftware = 70
/** As shells say it of SIGINT. */
const exitInterrupted = 130

const clock = createSystemClock()
const ids = createIds()
const digests = createDigests()

async function sweep(signal: AbortSignal): Promise<number> {
  const config = readConfig(process.env)
  const log = createConsoleLog({ level: config.logLevel, write: (line) => process.stderr.write(`${line}\n`) })
  const opened = openNodeStore(config, { ids, clock })
  const state = config.stateS3 === undefined ? undefined : openS3(config.stateS3, { ids, clock })
  const guarded = guardStores({
    objects: opened.store,
    state: state?.store,
    exclusive: createKeyedMutex(),
    clock,
    ids,
    digests,
    log,
    settings: { ...opened.resilience, ...config.storeSettings },
    stateStoreSettings: { ...state?.resilience, ...config.storeSettings },
  })
  const stores = { objects: guarded.objects, state: state === undefined ? undefined : guarded.state }
  const swept = await sweepExpired({ ...stores, digests, clock, log }, { signal })
  process.stdout.write(`${swept.map(lineOf).join('\n')}\n`)
  return swept.every(isSwept) ? 0 : exitLeft
}

function lineOf({ store, prefix, removed, left, error }: SweptPrefix): string {
  const place = store === 'state' ? `${prefix} (process state)` : prefix
  if (error !== undefined) return `${place}: not swept; the log says why`
  return `${place}: ${removed} removed${left === 0 ? '' : `, ${left} could not be; the log says why`}`
}

/** The first signal stops the sweeping between two requests; a second one ends at once. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitInterrupted)
    controller.abort(new Interrupted())
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

class Interrupted extends Error {}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return exitInterrupted
  if (error instanceof InvalidConfig) {
    process.stderr.write(`${error.message}\n`)
    return exitMisconfigured
  }
  process.stderr.write(`The sweep failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return exitSoftware
}

const code = await sweep(interruption()).catch(exitCodeOf)
// Once all is written, for a pipe would be cut; and then whatever is still under way, such as a call that is deaf to its signal.
process.stdout.write('', () => process.exit(code))
