import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import { parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ObjectStore, PutCondition } from '../../ports/object-store.ts'
import { sweepPrefix } from '../object/sweep-prefix.ts'
import { encodeNotes, takeNotes } from './checksum-notes.ts'
import { maxExportSeconds } from './export-store.ts'
import type { PassingChecksums } from './passing-checksums.ts'
import type { ZipLayout } from './zip-layout.ts'

export const learnedPrefix = 'learned/'
/** Half a million runs; more is not read, and so begun anew. */
const notesBytesMax = 16 * 2 ** 20
/** How often others may note something between our look and our write before we leave it. */
const triesMax = 4

/** Which export, and what its archive is. */
export interface NotedArchive {
  readonly id: string
  readonly etag: ETag
  readonly layout: ZipLayout
}

/** What is learned of the objects of one export, kept for its next readers on all instances. */
export interface NoteStore {
  /** Adds what others have noted. One GET. */
  load(options: CallOptions): Promise<void>
  /** Notes all that is known, together with what others have noted. One PUT, and a GET where others were here. */
  save(options: CallOptions): Promise<void>
  /** Of the notes as they were written last. */
  sizeBytes(): number
}

/** The first note of an export also sweeps those of exports that are long over. */
export function createNoteStore(
  { store, clock, log }: { store: ObjectStore; clock: Clock; log: Log },
  { id, etag, layout }: NotedArchive,
  passing: PassingChecksums,
): NoteStore {
  const key = parseObjectKey(`${learnedPrefix}${id}.json`)
  let version: ETag | undefined
  let sizeBytes = 0

  const load: NoteStore['load'] = async ({ signal }) => {
    const found = await store.get(key, { signal })
    version = found?.meta.etag
    if (found === undefined) return
    if (found.meta.sizeBytes > notesBytesMax) return await found.body.cancel()
    takeNotes(await new Response(found.body).text(), etag, layout, passing)
  }

  return {
    load,
    sizeBytes: () => sizeBytes,

    async save({ signal }) {
      for (let tries = 0; tries < triesMax; tries++) {
        const body = encodeNotes(etag, passing)
        const when: PutCondition = version === undefined ? 'if-absent' : { ifMatch: version }
        const put = await store.put(key, body, { contentType: 'application/json', when, signal })
        if (put.outcome === 'unknown') throw put.cause
        if (put.outcome === 'applied') {
          const isFirst = version === undefined
          version = put.etag
          sizeBytes = body.byteLength
          const old = { maxAgeMs: maxExportSeconds * 1000, nowMs: clock.nowMs(), signal }
          if (isFirst) await sweepPrefix({ store, log }, learnedPrefix, old)
          return
        }
        await load({ signal })
      }
    },
  }
}
