// tsyringe refuses to load without a Reflect polyfill, even where no decorator is used.
import 'reflect-metadata/lite'
import type { Hono } from 'hono'
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe'
import { readFormData } from '../adapters/busboy/form-data.ts'
import { createHmacLinks } from '../adapters/hmac-links/hmac-links.ts'
import { parseConfig } from '../adapters/js-yaml/parse-config.ts'
import { readJob } from '../adapters/js-yaml/read-job.ts'
import { defaultInspectionLimits } from '../domain/dataset/inspect-file.ts'
import type { ReceiveFormDeps } from '../domain/dataset/receive-form.ts'
import { createExportStore } from '../domain/export/export-store.ts'
import { createReadArchive } from '../domain/export/read-archive.ts'
import type { CreateLinksDeps } from '../domain/link/create-links.ts'
import { createLists, type Lists } from '../domain/lists.ts'
import { createObjectRecords, type ObjectRecords } from '../domain/object/object-record.ts'
import { createOpenUploads } from '../domain/object/open-uploads.ts'
import type { WriteObjectDeps } from '../domain/object/write-object.ts'
import { createLedger } from '../domain/process/create-ledger.ts'
import type { ProcessDeps } from '../domain/process/process-deps.ts'
import type { ProcessLedger } from '../domain/process/process-ledger.ts'
import { createProcessLooks } from '../domain/process/process-looks.ts'
import type { Digests } from '../ports/digests.ts'
import type { LinkSigner, LinkVerifier } from '../ports/link-signer.ts'
import type { Log } from '../ports/log.ts'
import type { Config } from './config.ts'
import type { Foundation } from './foundation.ts'
import { createHttpApp } from './http/app.ts'
import type { AppEnv } from './http/context.ts'
import { dashboardApp } from './http/dashboard/app.ts'
import { downloadCalls } from './http/dashboard/downloads.ts'
import { healthCalls } from './http/dashboard/health.ts'
import { jobCalls } from './http/dashboard/jobs.ts'
import { listCalls } from './http/dashboard/lists.ts'
import { logCalls } from './http/dashboard/logs.ts'
import { uploadCalls } from './http/dashboard/upload.ts'
import { serveExportEntry } from './http/export-entries.ts'
import type { ReadForm } from './http/form-body.ts'
import { foreignPages } from './http/middleware/origin.ts'
import { datasetRoutes } from './http/routes/datasets.ts'
import { type ExportRouteDeps, exportRoutes } from './http/routes/exports.ts'
import { linkRoutes } from './http/routes/links.ts'
import { objectRoutes } from './http/routes/objects.ts'
import { operationRoutes } from './http/routes/operations.ts'
import { type ProcessEventsDeps, processEventRoutes } from './http/routes/process-events.ts'
import { processRoutes } from './http/routes/processes.ts'
import { type CheckStores, createCheckStores } from './http/routes/readiness.ts'
import { resultRoutes } from './http/routes/results.ts'
import { serveExport } from './http/serve-export.ts'
import { version } from './version.ts'

type Token<T> = InjectionToken<T> & symbol
const token = <T>(name: string) => Symbol(name) as Token<T>

const RECORDS = token<ObjectRecords>('ObjectRecords')
const LINKS = token<LinkSigner & LinkVerifier>('Links')
const LINKING = token<CreateLinksDeps>('CreateLinks')
const READ_FORM = token<ReadForm>('ReadForm')
const WRITE_OBJECT = token<WriteObjectDeps & { limits: Config['limits'] }>('WriteObject')
const UPLOAD = token<ReceiveFormDeps & { readForm: ReadForm }>('UploadTrainingFiles')
const LEDGER = token<ProcessLedger>('ProcessLedger')
const PROCESSES = token<ProcessDeps & ProcessEventsDeps & { digests: Digests; log: Log }>('Processes')
const CHECK_STORES = token<CheckStores>('CheckStores')
const EXPORTS = token<ExportRouteDeps>('Exports')
const LISTS = token<Lists>('Lists')
const DASHBOARD = token<Hono<AppEnv>>('Dashboard')
const APP = token<Hono<AppEnv>>('App')

/** The whole service over its foundation. Pure wiring: nothing is read, sent or started. */
export function compose(foundation: Foundation): Hono<AppEnv> {
  const { config, publicUrl, objects, state, digests, clock, ids, log } = foundation
  const { limits } = config
  const container = root.createChildContainer()

  bind(container, RECORDS, () => createObjectRecords({ store: objects, digests }))
  bind(container, LINKS, () => createHmacLinks({ baseUrl: publicUrl, secrets: foundation.linkSecrets }))
  bind(container, LINKING, (get) => ({
    store: objects,
    clock,
    apiLinks: get(LINKS),
    storeLinks: foundation.storeLinks,
  }))
  bind(
    container,
    READ_FORM,
    () => (body, contentType, signal) => readFormData(body, contentType, formLimits(limits), signal),
  )
  bind(container, WRITE_OBJECT, (get) => ({
    store: objects,
    digests,
    records: get(RECORDS),
    uploads: createOpenUploads({ store: objects, digests, clock, log }),
    log,
    limits,
  }))
  bind(container, UPLOAD, (get) => ({
    ...get(WRITE_OBJECT),
    readForm: get(READ_FORM),
    parseConfig,
    limits: {
      ...defaultInspectionLimits,
      maxFileBytes: limits.maxFileBytes,
      minImageSidePx: limits.minImageSidePx,
      maxImageSidePx: limits.maxImageSidePx,
    },
    maxFiles: limits.maxFilesPerRequest,
    windowBytes: limits.uploadWindowBytes,
  }))
  bind(container, LEDGER, () => createLedger({ store: state, clock, ids, digests, log, inTurn: foundation.exclusive }))
  bind(container, PROCESSES, (get) => ({
    ledger: get(LEDGER),
    looks: createProcessLooks({ ledger: get(LEDGER), clock, shared: foundation.streams.shared }),
    streams: foundation.streams,
    clock,
    ids,
    digests,
    log,
  }))
  bind(container, CHECK_STORES, (get) =>
    createCheckStores({
      store: objects,
      state,
      ledger: get(LEDGER),
      clock,
      selfChecks: foundation.selfChecks,
      stateCas: config.stateCas,
    }),
  )
  bind(container, EXPORTS, (get) => ({
    store: objects,
    exports: createExportStore({ ...get(WRITE_OBJECT), clock, cachedEntriesMax: limits.maxExportEntries }),
    records: get(RECORDS),
    digests,
    clock,
    ids,
    log,
    links: get(LINKS),
    storeLinks: foundation.storeLinks,
    telemetry: foundation.exportTelemetry,
    readArchive: createReadArchive({ store: objects, digests, clock, readAhead: foundation.readAhead }),
    limits: { maxEntries: limits.maxExportEntries, maxBytes: limits.maxExportBytes },
  }))
  const pages = { publicUrl, corsOrigins: config.corsOrigins }
  bind(container, LISTS, (get) =>
    createLists({ ledger: get(LEDGER), store: objects, clock, shared: foundation.streams.shared }),
  )
  bind(container, DASHBOARD, (get) =>
    dashboardApp({
      calls: [
        ...uploadCalls({ ...get(UPLOAD), ids, clock, storePrefix: config.prefix }),
        ...jobCalls({ ...get(PROCESSES), readJob }),
        ...listCalls({ lists: get(LISTS), ledger: get(LEDGER), digests, storePrefix: config.prefix }),
        ...downloadCalls({ ...get(EXPORTS), ...get(LINKING), ledger: get(LEDGER), storePrefix: config.prefix }),
        ...(foundation.recentLines === undefined ? [] : logCalls(foundation.recentLines)),
        ...healthCalls({ checkStores: get(CHECK_STORES) }),
      ],
      // It asks for no token, so that what it may read is for the pages that may call it, under names that are ours.
      guard: foreignPages({ ...pages, tokensAsked: false, alsoReads: true }),
      log,
    }),
  )
  bind(container, APP, (get) => {
    const routes = [
      ...objectRoutes(get(WRITE_OBJECT)),
      ...datasetRoutes(get(UPLOAD)),
      ...linkRoutes({
        ...get(LINKING),
        verifier: get(LINKS),
        log,
        serveExport: serveExport(get(EXPORTS)),
        serveExportEntry: serveExportEntry(get(EXPORTS)),
      }),
      ...exportRoutes(get(EXPORTS)),
      // Before those of one process, whose path takes any id.
      ...processEventRoutes(get(PROCESSES)),
      ...processRoutes(get(PROCESSES)),
      ...resultRoutes({ store: objects }),
    ]
    const operations = operationRoutes(
      {
        store: objects,
        state,
        ledger: get(LEDGER),
        storeKind: config.store,
        storeProfile: foundation.storeProfile,
        ownLinksBecause: ownLinksBecause(foundation),
        version,
        publicUrl,
        breakers: foundation.breakers,
        selfChecks: foundation.selfChecks,
        checkStores: get(CHECK_STORES),
        metrics: foundation.metrics,
      },
      routes,
    )
    const guard = foreignPages({ ...pages, tokensAsked: config.apiTokens.length > 0 })
    return createHttpApp({
      guard,
      routes: [...routes, ...operations],
      dashboard: config.dashboard === 'off' ? undefined : get(DASHBOARD),
      ids,
      clock,
      log,
      digests,
      tokens: config.apiTokens,
      corsOrigins: config.corsOrigins,
    })
  })
  return container.resolve(APP)
}

function ownLinksBecause({ storeLinks, ownLinksBecause }: Foundation): string | undefined {
  return storeLinks === undefined ? (ownLinksBecause ?? 'this store has no URLs of its own') : undefined
}

/** The type of the token is the type of what the factory makes; each is made once, when it is first asked for. */
function bind<T>(container: DependencyContainer, token: Token<T>, make: (get: <U>(token: Token<U>) => U) => T): void {
  container.register(token, { useFactory: instanceCachingFactory((from) => make((other) => from.resolve(other))) })
}

function formLimits({ maxFilesPerRequest }: Config['limits']) {
  // Files above the limit of a request are refused one by one in its report; far above it the form itself is refused.
  return {
    maxParts: 2 * maxFilesPerRequest + 1000,
    maxFields: 100,
    maxFieldBytes: 64 * 1024,
    maxHeaderBytes: 16 * 1024,
  }
}
