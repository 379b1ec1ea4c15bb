import type { ExecutionContext, R2Bucket, ScheduledController } from '@cloudflare/workers-types'
import { createConsoleLog, type LogLevel } from '../adapters/console/log.ts'
import { createMemoryObjectStore } from '../adapters/memory/object-store.ts'
import { createDigests } from '../adapters/node-crypto/digests.ts'
import { createR2ObjectStore } from '../adapters/r2/object-store.ts'
import { createSystemClock } from '../adapters/system/clock.ts'
import { createIds } from '../adapters/web-crypto/ids.ts'
import { workersReadAhead } from '../domain/export/read-ahead.ts'
import { isSwept, sweepExpired } from '../domain/sweep-expired.ts'
import { compose } from './composition.ts'
import { type Config, InvalidConfig, isLoopback, readConfig } from './config.ts'
import type { Foundation } from './foundation.ts'
import { demandStateCas, guardStores } from './guarded-stores.ts'
import { translate } from './http/middleware/errors.ts'
import { problemOf } from './http/problem.ts'
import { createLogSinks } from './log-sinks.ts'
import { type OpenedStore, openS3 } from './s3-store.ts'
import { logSettingsWarnings, settingsWarnings } from './settings-warnings.ts'

interface Env {
  readonly BUCKET?: R2Bucket
  readonly [variable: string]: unknown
}

type Service = ReturnType<typeof compose>

/** Links begin with the origin that the client used, so each origin has a service of its own over the same stores. */
const maxOrigins = 8
/** Asked for when something is wrong: the one asks no store, the other tells by itself whether processes are decided. */
const health: ReadonlySet<string> = new Set(['/livez', '/readyz'])
/** An isolate has 128 MB for everything, so a request holds less there than on Node. */
const isolateWindowBytes = `${32 * 2 ** 20}`

/** Within the fifteen minutes that a scheduled run may take. */
const sweepMs = 10 * 60_000

const clock = createSystemClock()
const ids = createIds()
const digests = createDigests()
// Once per isolate, made by its first request: what is kept here are values and functions, never a request's promises.
let foundation: Omit<Foundation, 'publicUrl'> | undefined
const services = new Map<string, Service>()

const toConsole = (line: string, level: LogLevel) =>
  // biome-ignore lint/suspicious/noConsole: the console is how a Worker writes its log
  console[level](line)

function readWorkerConfig(env: Env): Config {
  const config = readConfig({
    STORE: env.BUCKET === undefined ? undefined : 'r2',
    UPLOAD_WINDOW_BYTES: isolateWindowBytes,
    ...env,
  })
  const problems: string[] = []
  if (config.store === 'folder') problems.push('STORE: Workers have no folders; bind an R2 bucket as BUCKET, or use s3')
  if (config.store === 'r2' && env.BUCKET === undefined)
    problems.push('BUCKET: STORE=r2 needs an R2 binding of this name')
  if (config.linkSecrets.length === 0)
    problems.push('LINK_SECRETS: is required on Workers, where no isolate outlives its links')
  if (problems.length > 0) throw new InvalidConfig(problems)
  return config
}

function openStore(config: Config, env: Env): OpenedStore {
  if (config.s3 !== undefined) return openS3(config.s3, { ids, clock })
  if (env.BUCKET !== undefined && config.store === 'r2') {
    return { store: createR2ObjectStore({ bucket: env.BUCKET, prefix: config.prefix }), links: undefined }
  }
  return { store: createMemoryObjectStore(clock), links: undefined }
}

function found(env: Env): Omit<Foundation, 'publicUrl'> {
  const config = readWorkerConfig(env)
  const { log, recentLines } = createLogSinks(config, { write: toConsole, nowMs: clock.nowMs })
  logSettingsWarnings(log, settingsWarnings(env, config))
  const { store, links, ownLinksBecause, dialect, resilience } = openStore(config, env)
  const state = config.stateS3 === undefined ? undefined : openS3(config.stateS3, { ids, clock })
  const guarded = guardStores({
    objects: store,
    state: state?.store,
    exclusive: undefined,
    clock,
    ids,
    digests,
    log,
    settings: { ...resilience, ...config.storeSettings },
    stateStoreSettings: { ...state?.resilience, ...config.storeSettings },
    // The CPU time of a request is paid for there; TLS guards the bytes on their way.
    verifyBodies: false,
  })
  const { linkSecrets } = config
  return {
    config,
    linkSecrets,
    ...guarded,
    storeLinks: links,
    ownLinksBecause,
    storeProfile: dialect?.name,
    metrics: undefined,
    streams,
    readAhead: workersReadAhead,
    digests,
    clock,
    ids,
    log,
    recentLines,
  }
}

/** A request may make fifty requests of its own on the free plan, and a browser comes back by itself. */
const streams = { shared: false, lastMs: 40_000, ending: undefined }

async function serviceFor(request: Request, env: Env): Promise<Service> {
  foundation ??= found(env)
  const { hostname, origin, pathname } = new URL(request.url)
  if (!health.has(pathname)) await demandStateCas(foundation.config.stateCas, foundation.state, request.signal)
  if (foundation.config.apiTokens.length === 0 && !isLoopback(hostname)) {
    throw new InvalidConfig(['API_TOKENS: is required where the service is reachable from outside'])
  }
  const publicUrl = foundation.config.publicUrl ?? origin
  const known = services.get(publicUrl)
  if (known !== undefined) return known
  const service = compose({ ...foundation, publicUrl })
  if (services.size < maxOrigins) services.set(publicUrl, service)
  return service
}

/** Workers' own: the one kind of stream whose length goes out as Content-Length. */
declare const FixedLengthStream: new (
  lengthBytes: number,
) => { readonly readable: ReadableStream<Uint8Array>; readonly writable: WritableStream<Uint8Array> }

/** workerd drops the Content-Length of a stream made in JavaScript and sends chunks, which have no end to check. */
function withExactLength(response: Response): Response {
  const length = response.headers.get('content-length')
  if (length === null || response.body === null) return response
  const { readable, writable } = new FixedLengthStream(Number(length))
  // A failure breaks the readable side too, and with it the connection; there is nobody else to tell.
  response.body.pipeTo(writable).catch(() => undefined)
  return new Response(readable, response)
}

/** The answer where there is no service, and with it nobody else to give one. The next request tries anew. */
function withoutService(error: unknown): Response {
  const requestId = ids.next()
  const log = createConsoleLog({ level: 'error', write: toConsole })
  const isMisconfigured = error instanceof InvalidConfig
  const { problem, headers } = isMisconfigured
    ? { problem: problemOf('not-configured', 'the operator finds the reasons in the log', requestId), headers: {} }
    : translate(error, requestId)
  if (isMisconfigured) log.error('misconfigured', { problems: error.problems })
  else log.error('request-failed', { requestId, code: problem.code, error })
  return Response.json(problem, {
    status: problem.status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
  })
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    try {
      const service = await serviceFor(request, env)
      const answer = Promise.resolve(service.fetch(request, env))
      // What a request must put back in order is finished even when its client has left.
      context.waitUntil(answer.catch(() => undefined))
      return withExactLength(await answer)
    } catch (error) {
      return withoutService(error)
    }
  },

  /** The Cron Trigger of `wrangler.toml`: removes what has expired. A run that fails is shown as failed by Cloudflare. */
  async scheduled(_: ScheduledController, env: Env): Promise<void> {
    foundation ??= found(env)
    const { objects, state, config, log } = foundation
    const swept = await sweepExpired(
      { objects, state: config.stateS3 === undefined ? undefined : state, digests, clock, log },
      { signal: AbortSignal.timeout(sweepMs) },
    )
    if (!swept.every(isSwept)) throw new Error('not all that has expired could be removed')
  },
}
