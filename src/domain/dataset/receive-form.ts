import type { CallOptions, ListedObject } from '../../ports/object-store.ts'
import { createByteWindow } from '../object/byte-window.ts'
import { planParts } from '../object/part-size.ts'
import { type FileName, fileName } from './file-name.ts'
import { type ReceiveFileDeps, receiveFile, refusal } from './receive-file.ts'
import { FileRejected } from './rejection.ts'
import type { FileReport } from './upload-report.ts'

/** One part of a form, in the order of the request. A body that is not read to its end is skipped by its source. */
export type IncomingPart =
  | { readonly type: 'field'; readonly name: string; readonly value: string }
  | { readonly type: 'file'; readonly fileName: string; readonly body: AsyncIterable<Uint8Array> }

export interface ReceiveFormDeps extends ReceiveFileDeps {
  readonly maxFiles: number
  /** Bounds what all files of one request hold in memory together. */
  readonly windowBytes: number
}

export interface ReceivedForm {
  /** In the order of the request. */
  readonly files: readonly FileReport[]
  /** The last value of each field. */
  readonly fields: ReadonlyMap<string, string>
}

/** Of files being stored while the next is read: enough for 160 MB/s at 50 ms a write … */
const inFlightBytes = 8 * 2 ** 20
/** … where each counts for at least so much, so that there are never more than 16. */
const leastFileBytes = 2 ** 19

/**
 * Stores the files of a form under `prefix`, several at a time while the next is read. A bad file or a failed write never
 * stops the others. Rejects when the form itself is broken; what was stored until then stays.
 */
export async function receiveForm(
  deps: ReceiveFormDeps,
  parts: AsyncIterable<IncomingPart>,
  options: CallOptions & {
    prefix: string
    existing: ReadonlyMap<string, ListedObject>
    /** Told of each field as it arrives; what it throws ends the form. */
    onField?: (name: string, value: string) => void
  },
): Promise<ReceivedForm> {
  const { prefix, existing, onField, signal } = options
  const plan = planParts(undefined, await deps.store.capabilities({ signal }))
  const reception = { prefix, existing, parts: plan, window: createByteWindow(deps.windowBytes), signal }
  const lanes = createByteWindow(inFlightBytes)
  const seen = new Set<FileName>()
  const fields = new Map<string, string>()
  const reports: Promise<FileReport>[] = []
  try {
    for await (const part of parts) {
      if (part.type === 'field') {
        onField?.(part.name, part.value)
        fields.set(part.name, part.value)
        continue
      }
      const name = acceptName(part.fileName, seen, { position: reports.length, maxFiles: deps.maxFiles })
      if (name instanceof FileRejected) {
        reports.push(Promise.resolve(refusal(deps.log, part.fileName.toWellFormed(), undefined, name)))
        continue
      }
      const received = await receiveFile(deps, name, part.body, reception)
      const bytes = Math.max(received.heldBytes, leastFileBytes)
      try {
        await lanes.take(bytes, signal)
      } catch (error) {
        await received.discard()
        throw error
      }
      reports.push(received.store().finally(() => lanes.give(bytes)))
    }
  } finally {
    // Also when the form broke: nothing may go on behind an answer.
    await Promise.allSettled(reports)
  }
  return { files: await Promise.all(reports), fields }
}

function acceptName(
  given: string,
  seen: Set<FileName>,
  { position, maxFiles }: { position: number; maxFiles: number },
): FileName | FileRejected {
  if (position >= maxFiles) {
    return new FileRejected('too-many-files', `a request takes ${maxFiles} files; send the rest in another`)
  }
  try {
    const name = fileName(given)
    if (seen.has(name)) return new FileRejected('duplicate-name', 'this request has a file of that name already')
    seen.add(name)
    return name
  } catch (error) {
    if (error instanceof FileRejected) return error
    throw error
  }
}
