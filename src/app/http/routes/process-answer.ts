import * as z from 'zod'
import { livenessOf } from '../../../domain/process/liveness.ts'
import type { ProcessLedger, ReadProcess } from '../../../domain/process/process-ledger.ts'
import { processId } from '../../../domain/process/process-state.ts'
import type { ETag } from '../../../ports/object-store.ts'
import type { AppContext } from '../context.ts'
import { quoted } from '../entity-tags.ts'
import { parsed, problemResponse } from '../schemas/fields.ts'
import { ProcessSchema, processJson } from '../schemas/process.ts'

export const idParams = z.object({ id: parsed(processId) })

export const oneProcess = { description: 'the process', json: ProcessSchema }
export const cannotDecide = {
  ...problemResponse,
  description: 'needs a store that decides between writers; see `sync`',
}
/** Of every call that may be repeated. */
export const key = {
  'Idempotency-Key': '1 to 128 visible ASCII characters; a repetition is answered with the first result',
}

/**
 * Names what is shown: the version, and that its worker has fallen silent, which nothing in the store tells. Who asks for
 * what has changed hears of that, too.
 */
export function shownTag(process: ReadProcess, storeNowMs: number): ETag {
  const liveness = livenessOf(process.state, storeNowMs)
  return liveness === 'stalled' || liveness === 'lost' ? silentTag(process, liveness) : process.etag
}

const silentTag = ({ etag }: ReadProcess, liveness: 'stalled' | 'lost') => `${etag}-${liveness}` as ETag

/** Everything that may have named this version. */
export const tagsOfVersion = (process: ReadProcess): ETag[] => [
  process.etag,
  silentTag(process, 'stalled'),
  silentTag(process, 'lost'),
]

export const answerWith =
  (ledger: Pick<ProcessLedger, 'nowMs'>) =>
  (c: AppContext, process: ReadProcess, status: 200 | 201 = 200) =>
    c.json(processJson(process, ledger.nowMs()), status, { ETag: quoted(shownTag(process, ledger.nowMs())) })
