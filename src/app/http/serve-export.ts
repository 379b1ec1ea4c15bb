import { NotFound } from '../../domain/errors.ts'
import type { ExportStore } from '../../domain/export/export-store.ts'
import type { FindChecksumsDeps } from '../../domain/export/find-checksums.ts'
import type { FrozenExport } from '../../domain/export/frozen-export.ts'
import { learnChecksums } from '../../domain/export/learned-checksums.ts'
import type { ReadArchive } from '../../domain/export/read-archive.ts'
import { touchedEntries, verifySources } from '../../domain/export/verify-sources.ts'
import type { Clock } from '../../ports/clock.ts'
import { contentDisposition } from '../../ports/content-disposition.ts'
import { PreconditionFailed } from '../../ports/errors.ts'
import type { DownloadOutcome, ExportTelemetry } from '../../ports/export-telemetry.ts'
import type { LinkGrant } from '../../ports/link-signer.ts'
import type { LogFields } from '../../ports/log.ts'
import type { AppContext } from './context.ts'
import { matchesStrongly, matchesWeakly, quoted } from './entity-tags.ts'
import { rangeAnswer, wholeAnswer } from './range-answer.ts'
import { type BodyListener, startedBody } from './started-body.ts'

export interface ServeExportDeps extends FindChecksumsDeps {
  readonly exports: ExportStore
  readonly clock: Clock
  readonly readArchive: ReadArchive
  /** `undefined` where nobody counts, as on Workers. */
  readonly telemetry: ExportTelemetry | undefined
}

/** Throws `NotFound`. */
export async function demandExport(
  { exports }: Pick<ServeExportDeps, 'exports'>,
  id: string,
  signal: AbortSignal,
): Promise<FrozenExport> {
  const found = await exports.find(id, { signal })
  if (found === undefined) throw new NotFound('no such export: it was deleted, or has expired')
  return found
}

/**
 * The zip as an HTTP answer, for GET and HEAD: its length is exact and its bytes are the same wherever they are made. Every
 * object is looked at first, for a range those alone that lie in it: no other can spoil it.
 */
export function serveExport(deps: ServeExportDeps): (c: AppContext, grant: LinkGrant) => Promise<Response> {
  const { store, log, readArchive } = deps
  return async (c, grant) => {
    const { signal } = c.var
    const frozen = await demandExport(deps, grant.subject, signal)
    const { manifest, layout, etag } = frozen
    const headers = archiveHeaders(frozen, grant.filename)
    const ifMatch = c.req.header('if-match')
    if (ifMatch !== undefined && !matchesStrongly(ifMatch, etag)) throw new PreconditionFailed('the zip is another one')
    const ifNoneMatch = c.req.header('if-none-match')
    if (ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, etag)) {
      await verifySources(store, manifest.entries, { signal })
      return new Response(null, { status: 304, headers })
    }
    const asked = rangeAnswer(c, headers, { etag, sizeBytes: layout.lengthBytes })
    if (c.req.method === 'HEAD') {
      await verifySources(store, manifest.entries, { signal })
      return new Response(null, { status: asked.status, headers })
    }
    const range = { from: asked.offset, to: asked.offset + asked.lengthBytes }
    await verifySources(store, touchedEntries(layout, range), { signal })
    const { learned, rangeServed } = await learnChecksums(deps, { id: manifest.id, etag, layout }, range, { signal })
    if (!rangeServed) await verifySources(store, manifest.entries, { signal })
    const { status, offset, lengthBytes } = rangeServed ? asked : wholeAnswer(headers, layout.lengthBytes)
    const body = readArchive(layout, {
      from: offset,
      toExclusive: offset + lengthBytes,
      signal,
      verifyChecksums: false,
      ...(learned && { learned }),
    })
    const listen = () => toldDownload(deps, { requestId: c.var.requestId, exportId: manifest.id, offset, lengthBytes })
    return new Response(await startedBody(c, body, log, listen), { status, headers })
  }
}

function archiveHeaders({ etag, modifiedAt }: FrozenExport, filename: string): Headers {
  return new Headers({
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-transform',
    'Content-Disposition': contentDisposition('attachment', filename),
    'Content-Type': 'application/zip',
    ETag: quoted(etag),
    'Last-Modified': modifiedAt.toUTCString(),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  })
}

/** One line when it begins, one when it ends, and everything counted between. */
function toldDownload(
  { clock, log, telemetry }: ServeExportDeps,
  about: LogFields & { readonly lengthBytes: number },
): BodyListener {
  const startedAtMs = clock.nowMs()
  let deliveredBytes = 0
  log.info('export-download', about)
  return {
    delivered(bytes) {
      deliveredBytes += bytes
      telemetry?.delivered(bytes)
    },
    ended(outcome: DownloadOutcome) {
      const complete = outcome === 'complete'
      log.info('export-download-ended', {
        ...about,
        deliveredBytes,
        complete,
        outcome,
        durationMs: clock.nowMs() - startedAtMs,
      })
      telemetry?.ended(outcome)
    },
  }
}
