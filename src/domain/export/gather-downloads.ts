import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { type DownloadLink, linksTo } from '../link/create-links.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import { isFinal, type ProcessId } from '../process/process-state.ts'
import type { ResultKind } from '../result/result.ts'
import { createExport } from './create-export.ts'
import { exportLink } from './export-link.ts'
import { maxExportSeconds } from './export-store.ts'
import type { FrozenExport } from './frozen-export.ts'
import { ExportEmpty } from './refusals.ts'
import { archiveName, type ResultLinkDeps } from './result-link.ts'
import type { Selected } from './selection.ts'

export interface WantedDownloads {
  readonly processes: readonly ProcessId[]
  /** Single files beside them. */
  readonly keys: readonly ObjectKey[]
  /** Of these kinds only, the single files too. */
  readonly kinds: readonly ResultKind[]
}

export interface GatheredDownloads {
  /** All files in one; `undefined` when there are none. */
  readonly zip: { readonly name: string; readonly url: string; readonly lengthBytes: number } | undefined
  readonly files: readonly DownloadLink[]
  readonly unknown: readonly ProcessId[]
  readonly unfinished: readonly ProcessId[]
  readonly withoutFiles: readonly ProcessId[]
  readonly missing: readonly ObjectKey[]
  /** How many files of the processes are not among them, because of their names: see `ListPage.leftOut`. */
  readonly leftOut: number
}

const readsInFlight = 16
const fileLinkSeconds = 3600

/**
 * What was ticked, as one zip and as a link for each file, and why the rest is not among it. Costs one read for each process,
 * and what the export costs; the links cost nothing more.
 */
export async function gatherDownloads(
  deps: ResultLinkDeps,
  wanted: WantedDownloads,
  { signal }: CallOptions,
): Promise<GatheredDownloads> {
  const { kinds } = wanted
  const ids = [...new Set(wanted.processes)]
  const found = await mapConcurrently(ids, readsInFlight, async (id) => (await deps.ledger.read(id, { signal }))?.state)
  const unknown = ids.filter((_, index) => found[index] === undefined)
  const processes = found.filter((state) => state !== undefined)
  const finished = processes.filter(({ status }) => isFinal(status))
  const unfinished = processes.filter(({ status }) => !isFinal(status)).map(({ id }) => id)
  const include: Selected[] = [
    ...finished.map(({ id }) => ({ process: id, kinds })),
    ...[...new Set(wanted.keys)].filter((key) => isOf(kinds, key)).map((key) => ({ key })),
  ]
  const [only] = finished
  const name = only !== undefined && include.length === 1 ? archiveName(only) : 'downloads'
  const made = await exportOf(deps, include, { name, signal })
  const entries = made?.manifest.entries ?? []
  const files = await linksTo(deps, entries, {
    expiresInSeconds: fileLinkSeconds,
    disposition: 'attachment',
    filename: undefined,
    signal,
  })
  return {
    zip: made && {
      name: `${name}.zip`,
      url: await exportLink(deps.apiLinks, made.manifest),
      lengthBytes: made.layout.lengthBytes,
    },
    files,
    unknown,
    unfinished,
    withoutFiles: (made?.manifest.empty ?? include).flatMap((one) => ('process' in one ? [one.process] : [])),
    missing: made?.manifest.missing ?? include.flatMap((one) => ('key' in one ? [one.key] : [])),
    leftOut: made?.manifest.leftOut ?? 0,
  }
}

/** `undefined` for an export of nothing. */
async function exportOf(
  deps: ResultLinkDeps,
  include: readonly Selected[],
  { name, signal }: CallOptions & { name: string },
): Promise<FrozenExport | undefined> {
  try {
    const wanted = { include, name, expiresInSeconds: maxExportSeconds }
    return await createExport(deps, wanted, { signal, idempotencyKey: undefined })
  } catch (error) {
    if (error instanceof ExportEmpty) return undefined
    throw error
  }
}

function isOf(kinds: readonly ResultKind[], key: ObjectKey): boolean {
  const kind = /^results\/[^/]+\/(lora|samples|images)\//.exec(key)?.[1]
  return kind === undefined || kinds.some((one) => one === kind)
}
