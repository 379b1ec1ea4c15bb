import { CodedError } from '../../ports/errors.ts'
import type { Log } from '../../ports/log.ts'
import { parseObjectKey } from '../../ports/object-key.ts'
import type { ListedObject } from '../../ports/object-store.ts'
import { TooLarge } from '../errors.ts'
import type { ByteWindow } from '../object/byte-window.ts'
import type { PartPlan } from '../object/part-size.ts'
import { createObjectWriter, type ObjectWriter, type WriteObjectDeps } from '../object/write-object.ts'
import { type FileKind, fileType } from './file-kind.ts'
import type { FileName } from './file-name.ts'
import { type InspectedFile, type InspectionLimits, startInspection } from './inspect-file.ts'
import type { ParseConfig } from './inspect-text.ts'
import { FileRejected } from './rejection.ts'
import type { FileReport } from './upload-report.ts'

export interface ReceiveFileDeps extends WriteObjectDeps {
  readonly limits: InspectionLimits
  readonly parseConfig: ParseConfig
}

export interface Reception {
  readonly prefix: string
  /** What lay in the dataset before the request, by name. */
  readonly existing: ReadonlyMap<string, ListedObject>
  readonly parts: PartPlan
  readonly window: ByteWindow
  readonly signal: AbortSignal
}

/** A file that was read. Exactly one of `store` and `discard` ends it; neither ever rejects. */
export interface ReceivedFile {
  /** What it still holds in memory, at most. */
  readonly heldBytes: number
  store(): Promise<FileReport>
  discard(): Promise<void>
}

/**
 * Reads one file to its end, or to the byte that decides against it. What remains is storing it, which the caller need not
 * wait for before it reads the next file. Rejects only when the body itself fails; whatever is wrong with the file or its
 * storing is in the report.
 */
export async function receiveFile(
  deps: ReceiveFileDeps,
  name: FileName,
  body: AsyncIterable<Uint8Array>,
  reception: Reception,
): Promise<ReceivedFile> {
  const type = fileType(name)
  const refused = (error: unknown): ReceivedFile => ({
    heldBytes: 0,
    store: async () => refusal(deps.log, name, type?.kind, error),
    discard: async () => {},
  })
  let inspection: ReturnType<typeof startInspection>
  try {
    inspection = startInspection(name, deps)
  } catch (error) {
    return refused(error)
  }
  const { prefix, parts, window, signal } = reception
  const writer = createObjectWriter(deps, parseObjectKey(`${prefix}${name}`), {
    contentType: type?.contentType ?? 'application/octet-stream',
    when: 'always',
    maxBytes: deps.limits.maxFileBytes,
    parts,
    window,
    signal,
  })
  let reason: unknown
  let sizeBytes = 0
  try {
    for await (const chunk of body) {
      reason = await outcomeOf(async () => {
        inspection.push(chunk)
        await writer.write(chunk)
        sizeBytes += chunk.byteLength
      })
      if (reason !== undefined) break
    }
  } catch (error) {
    await writer.discard()
    throw error
  }
  let inspected: InspectedFile | undefined
  reason ??= await outcomeOf(async () => {
    inspected = inspection.end()
  })
  if (inspected === undefined) {
    await writer.discard()
    return refused(reason)
  }
  const sound = inspected
  return {
    heldBytes: Math.min(sizeBytes, parts.partBytes),
    async store() {
      try {
        return await keep(deps, name, writer, sound, reception)
      } catch (error) {
        await writer.discard()
        return refusal(deps.log, name, sound.kind, error)
      }
    },
    discard: () => writer.discard(),
  }
}

async function keep(
  { store, records }: ReceiveFileDeps,
  name: FileName,
  writer: ObjectWriter,
  { kind, width, height }: InspectedFile,
  { existing, signal }: Reception,
): Promise<FileReport> {
  const { sizeBytes, checksums } = writer.checksums()
  const facts = { name, kind, sizeBytes, checksums, ...(width && height ? { width, height } : {}) }
  const before = existing.get(name)
  if (before?.sizeBytes === sizeBytes) {
    const meta = await store.head(before.key, { signal })
    const known = meta && (await records.complete(meta, { signal }))
    if (known?.checksums?.sha256 === checksums.sha256) {
      await writer.discard()
      return { ...facts, status: 'unchanged', key: known.key, etag: known.etag }
    }
  }
  const { key, etag } = await writer.store(checksums)
  return { ...facts, status: 'stored', key, etag }
}

/** What was thrown, or `undefined`. */
async function outcomeOf(work: () => Promise<void>): Promise<unknown> {
  try {
    await work()
    return undefined
  } catch (error) {
    return error ?? new Error('something threw nothing')
  }
}

export function refusal(log: Log, name: string, kind: FileKind | undefined, error: unknown): FileReport {
  const about = { name, ...(kind === undefined ? {} : { kind }) }
  if (error instanceof FileRejected || error instanceof TooLarge) {
    return { ...about, status: 'rejected', problem: { code: error.code, detail: error.message } }
  }
  const code = error instanceof CodedError ? error.code : 'internal-error'
  log.warn('training-file-not-stored', { code, error })
  // The store's own words may tell how the service is set up; what the user can do is the same in all cases.
  return { ...about, status: 'failed', problem: { code, detail: 'the store did not take the file; send it again' } }
}
