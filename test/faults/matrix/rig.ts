import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createKeyedMutex } from '../../../src/adapters/checked-conditions/keyed-mutex.ts'
import { createConsoleLog } from '../../../src/adapters/console/log.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import type { ResilienceSettings } from '../../../src/adapters/resilience/settings.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { compose } from '../../../src/app/composition.ts'
import { readConfig } from '../../../src/app/config.ts'
import { type GuardedStores, guardStores } from '../../../src/app/guarded-stores.ts'
import { openS3 } from '../../../src/app/s3-store.ts'
import type { StoreEvent } from '../../../src/ports/store-telemetry.ts'
import { type FakeS3, type FakeS3Options, startFakeS3 } from '../fake-s3/fake-s3.ts'
import { createRandom, type Random } from '../random.ts'
import { type FaultProxy, startFaultProxy } from '../tcp-proxy.ts'
import { newName } from './name-server.ts'

/** The real service over S3, the S3 server and the line between them, all of which can be spoiled. */
export interface Rig {
  readonly fake: FakeS3
  readonly proxy: FaultProxy
  /** Where the service looks for the store. */
  readonly storeHost: string
  /** Where clients of the service connect. */
  readonly origin: string
  readonly random: Random
  readonly health: GuardedStores['health']
  readonly told: readonly StoreEvent[]
  readonly logLines: readonly string[]
  stop(): Promise<void>
}

/** Seconds become tenths: the order of the limits to each other is that of the defaults. */
export const scaled: Partial<ResilienceSettings> = {
  backoffFirstMs: 5,
  backoffMaxMs: 50,
  metaAttemptMs: 700,
  metaDeadlineMs: 5_000,
  listAttemptMs: 700,
  listDeadlineMs: 5_000,
  openAttemptMs: 700,
  openDeadlineMs: 5_000,
  bodyIdleMs: 250,
  bodyFloorWindowMs: 250,
  sendOverheadMs: 700,
  sendAttemptMinMs: 700,
  sendAttemptMaxMs: 1_500,
  completeAttemptMs: 700,
  completeDeadlineMs: 6_000,
  completeSlowMs: 400,
  completeLookFirstMs: 20,
  completeLookMaxMs: 300,
  completeLooksMax: 6,
  openFirstMs: 100,
  openMaxMs: 400,
  halfOpenMaxMs: 2_000,
  partsAtOnce: 4,
}

export const prefix = 'rig'

export async function startRig(
  options: FakeS3Options & {
    readonly seed: number
    readonly settings?: Partial<ResilienceSettings>
    /** Whether the service finds the store by a name of its own, and not by an address. Default: false. */
    readonly byName?: boolean
  },
): Promise<Rig> {
  const fake = await startFakeS3(options)
  const proxy = await startFaultProxy({ target: fake.origin, seed: options.seed })
  const clock = createSystemClock()
  const ids = createIds()
  const digests = createDigests()
  const told: StoreEvent[] = []
  const logLines: string[] = []
  const log = createConsoleLog({ level: 'debug', write: (line) => logLines.push(line), nowMs: clock.nowMs })
  const endpoint = new URL(proxy.origin)
  if (options.byName === true) endpoint.hostname = newName()
  const config = readConfig({
    S3_ENDPOINT_URL: endpoint.origin,
    S3_REGION: fake.region,
    S3_BUCKET: fake.bucket,
    S3_PREFIX: prefix,
    S3_PROFILE: options.profile,
    AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
  })
  if (config.s3 === undefined) throw new Error('no S3 in the configuration')
  const opened = openS3(config.s3, { ids, clock })
  const guarded = guardStores({
    objects: opened.store,
    state: undefined,
    exclusive: createKeyedMutex(),
    clock,
    ids,
    digests,
    log,
    telemetry: () => (event) => told.push(event),
    settings: { ...opened.resilience, ...scaled, ...options.settings },
  })

  let app: ReturnType<typeof compose> | undefined
  const listener = getRequestListener((request, env) => app?.fetch(request, env) ?? new Response(null, { status: 503 }))
  const server = createServer({ requestTimeout: 0 }, listener) as Server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  app = compose({
    config,
    publicUrl: origin,
    linkSecrets: [{ keyId: 'k1', secret: new Uint8Array(32).fill(7) }],
    ...guarded,
    metrics: undefined,
    storeLinks: opened.links,
    digests,
    clock,
    ids,
    log,
  })
  // What the store can do is found out before anything is spoiled.
  await guarded.objects.capabilities({ signal: AbortSignal.timeout(20_000) })
  return {
    fake,
    proxy,
    storeHost: endpoint.hostname,
    origin,
    random: createRandom(options.seed),
    health: guarded.health,
    told,
    logLines,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await proxy.stop()
      await fake.stop()
    },
  }
}
