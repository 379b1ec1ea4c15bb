import { randomBytes } from 'node:crypto'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { resolve } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { createKeyedMutex } from '../adapters/checked-conditions/keyed-mutex.ts'
import { createDigests } from '../adapters/node-crypto/digests.ts'
import { createStoreMetrics } from '../adapters/prom-client/store-metrics.ts'
import { createSystemClock } from '../adapters/system/clock.ts'
import { createIds } from '../adapters/web-crypto/ids.ts'
import { recheckMs } from '../domain/doctor/self-check.ts'
import { localReadAhead, networkReadAhead } from '../domain/export/read-ahead.ts'
import { compose } from './composition.ts'
import { type Config, InvalidConfig, readConfig } from './config.ts'
import { demandStateCas } from './guarded-stores.ts'
import { createLogSinks } from './log-sinks.ts'
import { boundHeapGrowth } from './node/heap-growth.ts'
import { endIdleSockets } from './node/idle-sockets.ts'
import { survivePausedBodyEnds } from './node/paused-body-end.ts'
import { guardNodeStores } from './node-store.ts'
import { logSettingsWarnings, settingsWarnings } from './settings-warnings.ts'

/** sysexits.h: the configuration is wrong. */
const exitMisconfigured = 78
/** sysexits.h: not now; whoever starts us may try again later. */
const exitTryAgain = 75
/** A stream of events lasts for an hour, so that one whose reader has vanished without a word does not stay. */
const streamMs = 3_600_000
/** Within the ten seconds that container runtimes give before they kill. */
const drainMs = 8_000
const idleLimits = { senderMs: 120_000, readerMs: 600_000 }
const headersTimeoutMs = 15_000
const probeMs = 60_000

const clock = createSystemClock()
const ids = createIds()
const digests = createDigests()

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const { log, recentLines } = createLogSinks(config, {
    write: (line) => process.stderr.write(`${line}\n`),
    nowMs: clock.nowMs,
  })
  const storeMetrics = createStoreMetrics()
  const { telemetry } = storeMetrics
  const { opened, guarded } = guardNodeStores(config, { clock, ids, digests, log, telemetry })
  await demandStateCas(config.stateCas, guarded.state, AbortSignal.timeout(probeMs)).catch((error: unknown) => {
    throw error instanceof InvalidConfig ? error : new StateStoreNotAsked(error)
  })
  let app: { fetch: (request: Request, env: object) => Response | Promise<Response> } | undefined
  const server = createAdaptorServer({
    fetch: (request, env) => app?.fetch(request, env) ?? new Response('starting', { status: 503 }),
    serverOptions: { requestTimeout: 0, headersTimeout: headersTimeoutMs },
  }) as Server
  boundHeapGrowth()
  survivePausedBodyEnds((error) => log.warn('store-connection-ended', { error }))
  endIdleSockets(server, idleLimits)
  const ending = new AbortController()
  drainOnSignal(server, () => ending.abort())
  const port = await listen(server, config)
  const publicUrl = config.publicUrl ?? `http://${urlHost(config.host)}:${port}`
  app = compose({
    config,
    publicUrl,
    linkSecrets:
      config.linkSecrets.length > 0
        ? config.linkSecrets
        : [{ keyId: 'random', secret: new Uint8Array(randomBytes(32)) }],
    objects: guarded.objects,
    state: guarded.state,
    exclusive: createKeyedMutex(),
    storeLinks: opened.links,
    ownLinksBecause: opened.ownLinksBecause,
    storeProfile: opened.dialect?.name,
    breakers: guarded.breakers,
    selfChecks: guarded.selfChecks,
    metrics: { text: () => storeMetrics.text(guarded.health()), contentType: storeMetrics.contentType },
    exportTelemetry: storeMetrics.exports,
    streams: { shared: true, lastMs: streamMs, ending: ending.signal },
    readAhead: config.store === 's3' ? networkReadAhead : localReadAhead,
    digests,
    clock,
    ids,
    log,
    recentLines,
  })
  logSettingsWarnings(log, settingsWarnings(process.env, config))
  if (config.linkSecrets.length === 0) {
    log.warn('link-secrets-made-at-random', {
      consequence: 'links end with this process; set LINK_SECRETS to keep them',
    })
  }
  greet(config, publicUrl)
  // Seen now rather than at the first upload; the service starts without a store and says when it cannot reach it.
  guarded.objects.capabilities({ signal: AbortSignal.timeout(probeMs) }).then(
    (capabilities) => log.info('store-capabilities', { profile: opened.dialect?.name, ...capabilities }),
    (error: unknown) => log.warn('store-not-reached', { error }),
  )
  guarded.state.capabilities({ signal: AbortSignal.timeout(probeMs) }).then(
    ({ conditionalPut }) => log.info('state-store-capabilities', { conditionalPut }),
    (error: unknown) => log.warn('state-store-not-reached', { error }),
  )
  setInterval(() => {
    for (const selfCheck of guarded.selfChecks) {
      void selfCheck.recheck({ signal: AbortSignal.timeout(probeMs), notWithinMs: recheckMs / 2 })
    }
  }, recheckMs).unref()
}

class StateStoreNotAsked extends Error {
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`STATE_CAS=require: whether the store of process state decides between racing writers is not known: ${why}`)
    this.cause = cause
  }
}

async function listen(server: Server, { host, port }: Config): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Finishes what is under way, then ends; a second signal ends at once. */
function drainOnSignal(server: Server, onDrain: () => void): void {
  let draining = false
  const connections = new Set<Socket>()
  server.on('connection', (connection: Socket) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  server.prependListener('request', (_, response: ServerResponse) => {
    if (draining) response.setHeader('Connection', 'close')
  })
  const closeUnused = () => {
    server.closeIdleConnections()
    // Idle is to Node what had a request. Browsers open connections in advance, and would hold us with them.
    for (const connection of connections) if (connection.bytesRead === 0) connection.destroy()
  }
  const drain = (signal: NodeJS.Signals) => {
    if (draining) process.exit(1)
    draining = true
    onDrain()
    server.close(() => process.exit(0))
    // Said when it is true: from here on connections are refused.
    process.stdout.write(`${signal}: finishing what is under way\n`)
    closeUnused()
    // Connections whose last answer was sent meanwhile would be kept alive.
    setInterval(closeUnused, 100).unref()
    setTimeout(() => {
      server.closeAllConnections()
      process.exit(0)
    }, drainMs).unref()
  }
  process.on('SIGTERM', drain)
  process.on('SIGINT', drain)
}

function greet(config: Config, publicUrl: string): void {
  const where = {
    folder: () => `folder ${resolve(config.dataDir)}`,
    s3: () => `bucket ${config.s3?.bucket} at ${config.s3?.endpointUrl ?? `AWS ${config.s3?.region}`}`,
    memory: () => 'memory (everything is lost at the end)',
    r2: () => 'R2',
  }[config.store]()
  const open = config.apiTokens.length === 0
  const lines = [
    `Lora Storage listens on ${publicUrl} · store: ${where}`,
    ...(open ? ['No API_TOKENS: everybody on this machine may do everything; only loopback is served.'] : []),
    'Try it:',
    `  curl ${open ? '' : '-H "Authorization: Bearer $TOKEN" '}-F triggerWord=ohwx -F files=@photo.jpg ${publicUrl}/v1/datasets/first/files`,
    `Console ${publicUrl}/ · API ${publicUrl}/docs`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

start().catch((error: unknown) => {
  if (error instanceof InvalidConfig) {
    process.stderr.write(`${error.message}\n`)
    process.exit(exitMisconfigured)
  }
  if (error instanceof StateStoreNotAsked) {
    process.stderr.write(`${error.message}\n`)
    process.exit(exitTryAgain)
  }
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    const { port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string }
    process.stderr.write(`Port ${port} on ${address} is taken: stop what listens there, or set PORT.\n`)
    process.exit(1)
  }
  process.stderr.write(`Could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exit(1)
})
