import { CodedError } from '../../ports/errors.ts'
import type { LinkSigner } from '../../ports/link-signer.ts'
import { segmentFault } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import { type CreateLinksDeps, createLinks } from '../link/create-links.ts'
import type { ProcessLedger } from '../process/process-ledger.ts'
import { isFinal, type ProcessId, type ProcessState } from '../process/process-state.ts'
import { resultKinds } from '../result/result.ts'
import { type CreateExportDeps, createExport } from './create-export.ts'
import { exportLink } from './export-link.ts'
import { maxExportSeconds } from './export-store.ts'
import { type Selected, selectKeys } from './selection.ts'

/** The process may still make results. */
export class ResultsUnfinished extends CodedError {
  readonly code = 'conflict'
}

export interface ResultLinkDeps extends CreateExportDeps, CreateLinksDeps {
  readonly ledger: Pick<ProcessLedger, 'read'>
  readonly apiLinks: LinkSigner
}

/** One file is the file itself, of any size; several are a zip. How long each is good. */
const fileLinkSeconds = 3600

/**
 * One URL for all that a process has made. Costs one read of the process and one LIST for each kind of result, then what
 * the link or the export costs. Throws `NotFound`, or `ResultsUnfinished`.
 */
export async function resultLink(deps: ResultLinkDeps, id: ProcessId, { signal }: CallOptions): Promise<string> {
  const process = (await deps.ledger.read(id, { signal }))?.state
  if (process === undefined) throw new NotFound('no such process')
  if (!isFinal(process.status)) throw new ResultsUnfinished(`the process is ${process.status}`)
  const include: Selected[] = [{ process: id, kinds: resultKinds }]
  const selected = await selectKeys(deps.store, include, { maxEntries: deps.limits.maxEntries, signal })
  const keys = selected.keys.map(({ key }) => key)
  if (keys.length === 1) {
    const options = {
      expiresInSeconds: fileLinkSeconds,
      disposition: 'attachment',
      filename: undefined,
      signal,
    } as const
    const { links } = await createLinks(deps, keys, options)
    if (links[0] !== undefined) return links[0].url
  }
  if (keys.length <= 1) throw new NotFound(`${process.name} has no results`)
  const wanted = { include, name: archiveName(process), expiresInSeconds: maxExportSeconds }
  const { manifest } = await createExport(deps, wanted, { signal, idempotencyKey: undefined })
  return await exportLink(deps.apiLinks, manifest)
}

/** The name that its user gave it, where files can be called so. */
export function archiveName({ id, name }: Pick<ProcessState, 'id' | 'name'>): string {
  const given = name.normalize('NFC')
  return segmentFault(`${given}.zip`) === undefined ? given : id
}
