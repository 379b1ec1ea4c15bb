import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
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
import { openNodeS3 } from '../../../src/app/node-store.ts'
import { networkReadAhead } from '../../../src/domain/export/read-ahead.ts'
import type { StoreEvent } from '../../../src/ports/store-telemetry.ts'
import { type FakeS3, type FakeS3Options, startFakeS3 } from '../fake-s3/fake-s3.ts'
import { createRandom, type Random } from '../random.ts'
import { type FaultProxy, startFaultProxy } from '../tcp-proxy.ts'
import { scaled } from './limits.ts'
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
  /** Of the first service. */
  readonly health: GuardedStores['health']
  readonly told: readonly StoreEvent[]
  readonly logLines: readonly string[]
  /** Connections of clients to the service that are open now. */
  clientSockets(): number
  /** Starts one more service on the same store, over the same line, and gives its origin. */
  another(): Promise<string>
  stop(): Promise<void>
}

export const prefix = 'rig'

const linkSecret = new Uint8Array(32).fill(7)
export const linkSecretBase64 = Buffer.from(linkSecret).toString('base64')

interface Service {
  readonly origin: string
  readonly health: GuardedStores['health']
  clientSockets(): number
  stop(): Promise<void>
}

type ServiceOptions = Pick<FakeS3Options, 'profile'> & {
  readonly fake: FakeS3
  readonly endpoint: string
  readonly settings: Partial<ResilienceSettings> | undefined
  readonly told: StoreEvent[]
  readonly logLines: string[]
}

/** The service as it is composed in production, in this process, on a socket of its own. */
async function startService({ fake, profile, endpoint, settings, told, logLines }: ServiceOptions): Promise<Service> {
  const clock = createSystemClock()
  const ids = createIds()
  const digests = createDigests()
  const log = createConsoleLog({ level: 'debug', write: (line) => logLines.push(line), nowMs: clock.nowMs })
  const config = readConfig({
    S3_ENDPOINT_URL: endpoint,
    S3_REGION: fake.region,
    S3_BUCKET: fake.bucket,
    S3_PREFIX: prefix,
    S3_PROFILE: profile,
    AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
  })
  if (config.s3 === undefined) throw new Error('no S3 in the configuration')
  const opened = openNodeS3(config.s3, { ids, clock })
  const guarded = guardStores({
    objects: opened.store,
    state: undefined,
    exclusive: createKeyedMutex(),
    clock,
    ids,
    digests,
    log,
    telemetry: () => (event) => told.push(event),
    settings: { ...opened.resilience, ...scaled, ...settings },
  })

  let app: ReturnType<typeof compose> | undefined
  const listener = getRequestListener((request, env) => app?.fetch(request, env) ?? new Response(null, { status: 503 }))
  const server = createServer({ requestTimeout: 0 }, listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  app = compose({
    config,
    publicUrl: origin,
    linkSecrets: [{ keyId: 'k1', secret: linkSecret }],
    ...guarded,
    metrics: undefined,
    streams: { shared: true, lastMs: 60_000, ending: undefined },
    readAhead: networkReadAhead,
    storeLinks: opened.links,
    digests,
    clock,
    ids,
    log,
  })
  // What the store can do is found out before anything is spoiled.
  await guarded.objects.capabilities({ signal: AbortSignal.timeout(20_000) })
  return {
    origin,
    health: guarded.health,
    clientSockets: () => sockets.size,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export async function startRig(
  options: FakeS3Options & {
    readonly seed: number
    readonly settings?: Partial<ResilienceSettings>
    /** Whether the service finds the store by a name of its own, and not by an address. Default: false. */
    readonly byName?: boolean
  },
): Promise<Rig> {
  const { profile, seed, settings, byName = false } = options
  const fake = await startFakeS3(options)
  const proxy = await startFaultProxy({ target: fake.origin, seed })
  const endpoint = new URL(proxy.origin)
  if (byName) endpoint.hostname = newName()
  const [told, logLines]: [StoreEvent[], string[]] = [[], []]
  const start = () => startService({ fake, profile, endpoint: endpoint.origin, settings, told, logLines })
  const first = await start()
  const services = [first]
  return {
    fake,
    proxy,
    storeHost: endpoint.hostname,
    origin: first.origin,
    random: createRandom(seed),
    health: first.health,
    told,
    logLines,
    clientSockets: () => services.reduce((sum, service) => sum + service.clientSockets(), 0),
    async another() {
      const service = await start()
      services.push(service)
      return service.origin
    },
    async stop() {
      for (const service of services) await service.stop()
      await proxy.stop()
      await fake.stop()
    },
  }
}
