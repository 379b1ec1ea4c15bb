import type { ListedObject } from '../../ports/object-store.ts'
import { type ProcessId, processId } from '../process/process-state.ts'

export const resultKinds = ['lora', 'samples', 'images'] as const
export type ResultKind = (typeof resultKinds)[number]

export const resultPrefix = 'results/'

/** What a worker made, as an object `results/{process}/{kind}/{name}`: its key says which process it belongs to. */
export interface Result extends ListedObject {
  readonly process: ProcessId
  readonly kind: ResultKind
  /** May have folders in it. */
  readonly name: string
}

/** `undefined` for an object that lies somewhere else. */
export function resultOf(object: ListedObject): Result | undefined {
  const [, process, kind, name] = /^results\/([^/]+)\/(lora|samples|images)\/(.+)$/.exec(object.key) ?? []
  if (process === undefined || kind === undefined || name === undefined) return undefined
  try {
    return { ...object, process: processId(process), kind: kind as ResultKind, name }
  } catch {
    return undefined
  }
}

/** The longest beginning that all results of the process, and of the kind, share. */
export function resultsBelow({
  process,
  kind,
}: {
  process: ProcessId | undefined
  kind: ResultKind | undefined
}): string {
  if (process === undefined) return resultPrefix
  return kind === undefined ? `${resultPrefix}${process}/` : `${resultPrefix}${process}/${kind}/`
}
