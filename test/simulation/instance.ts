import { createKeyedMutex } from '../../src/adapters/checked-conditions/keyed-mutex.ts'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { createLedger } from '../../src/domain/process/create-ledger.ts'
import type { InTurn, LedgerDeps } from '../../src/domain/process/ledger-deps.ts'
import type { ProcessDeps } from '../../src/domain/process/process-deps.ts'
import type { ProcessLedger } from '../../src/domain/process/process-ledger.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Digests } from '../../src/ports/digests.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import type { Random } from '../faults/random.ts'
import type { SimServer } from './sim-store.ts'
import type { World } from './world.ts'

export interface Instance {
  readonly deps: ProcessDeps & { readonly digests: Digests }
  readonly crashed: boolean
  crash(): void
  /** Resolves when it crashes. */
  readonly gone: Promise<'gone'>
}

export type LedgerParts = Omit<LedgerDeps, 'reader'> & { readonly inTurn: InTurn }

/** What a mutant does otherwise. */
export interface Changes {
  readonly store?: (store: ObjectStore) => ObjectStore
  readonly ledger?: (parts: LedgerParts) => ProcessLedger
}

const silent = () => {}
const log: Log = { debug: silent, info: silent, warn: silent, error: silent }
const digests = createDigests()
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** An instance of the service, as far as processes go, with a clock that is wrong and may be set at any time. */
export function bootInstance(world: World, server: SimServer, random: Random, changes: Changes): Instance {
  let crashed = false
  let announce: (value: 'gone') => void = silent
  const gone = new Promise<'gone'>((resolve) => {
    announce = resolve
  })
  const skewsMs = [0, 0, 3_600_000, -3_600_000] as const
  let skewMs: number = random.pick([...skewsMs])
  const rate = 1 + (random.fraction() - 0.5) / 50
  const bootedMs = world.nowMs()
  const setClock = () => {
    if (crashed) return
    skewMs = random.pick([...skewsMs])
    world.after(random.integer(20_000, 200_000), setClock)
  }
  world.after(random.integer(20_000, 200_000), setClock)
  const clock: Clock = {
    nowMs: () => Math.round(bootedMs + skewMs + (world.nowMs() - bootedMs) * rate),
    sleep: (durationMs) => world.sleep(durationMs),
  }
  const ids = {
    next: () => Array.from({ length: 26 }, () => alphabet[random.integer(0, 31)]).join(''),
    fraction: random.fraction,
  }
  const self = {
    get crashed() {
      return crashed
    },
  }
  const connected = server.connect(self)
  const store = changes.store?.(connected) ?? connected
  const parts = { store, clock, ids, digests, log, inTurn: createKeyedMutex() }
  const ledger = changes.ledger?.(parts) ?? createLedger(parts)
  return {
    deps: { ledger, clock, ids, digests },
    gone,
    get crashed() {
      return crashed
    },
    crash() {
      crashed = true
      announce('gone')
    },
  }
}
