import { createConsoleLog } from '../adapters/console/log.ts'
import { createDigests } from '../adapters/node-crypto/digests.ts'
import { createSystemClock } from '../adapters/system/clock.ts'
import { createIds } from '../adapters/web-crypto/ids.ts'
import { isSwept, type SweptPrefix, sweepExpired } from '../domain/sweep-expired.ts'
import { runCommand } from './command.ts'
import { readConfig } from './config.ts'
import { guardNodeStores } from './node-store.ts'

// `npm run sweep`: removes what has expired, on the store that the service would use. For a scheduler of the operator's; the
// service does without, because it sweeps on its way.

const exitLeft = 1

const clock = createSystemClock()
const ids = createIds()
const digests = createDigests()

async function sweep(signal: AbortSignal): Promise<number> {
  const config = readConfig(process.env)
  const log = createConsoleLog({ level: config.logLevel, write: (line) => process.stderr.write(`${line}\n`) })
  const { guarded, state } = guardNodeStores(config, { clock, ids, digests, log })
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

await runCommand('sweep', sweep)
