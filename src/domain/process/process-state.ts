import type { Brand } from '../../ports/brand.ts'
import { CodedError } from '../../ports/errors.ts'
import { type ObjectKey, parseObjectKey, segmentFault } from '../../ports/object-key.ts'
import { InvalidName } from '../errors.ts'
import type { MetricPoint } from './metric-point.ts'

/** 1 to 64 of `A–Z a–z 0–9 _ -`, so that it may stand unescaped in paths, keys and file names. */
export type ProcessId = Brand<string, 'ProcessId'>

/** Words that stand where ids stand in the paths of the API. */
const reserved: ReadonlySet<string> = new Set(['claim', 'events'])

export function processId(given: string): ProcessId {
  if (reserved.has(given) || segmentFault(given) === 'is a device name on Windows') {
    throw new InvalidName(`${given} cannot be the id of a process`)
  }
  if (!/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(given)) {
    throw new InvalidName('a process id is 1 to 64 letters, digits, _ or -, and does not begin with -')
  }
  return given as ProcessId
}

export const processTypes = ['training', 'generation'] as const
export type ProcessType = (typeof processTypes)[number]

export const processStatuses = ['queued', 'starting', 'running', 'completed', 'failed', 'cancelled'] as const
export type ProcessStatus = (typeof processStatuses)[number]

const finalStatuses: readonly ProcessStatus[] = ['completed', 'failed', 'cancelled']
export const isFinal = (status: ProcessStatus): boolean => finalStatuses.includes(status)

export interface ProcessFailure {
  readonly code: string
  readonly message: string
}

/** What an operation did, kept so that its repetition is answered and not done again. */
export interface RecordedOperation {
  readonly operationId: string
  readonly at: string
  readonly version: number
}

export interface EarlierAttempt {
  readonly attempt: number
  readonly worker: string | null
  readonly lastSeq: number
}

/**
 * The document of one process, as stored. Written only by guarded writes; every body differs from all before it, because
 * `version` grows by one and `writeId` is new, so a store whose ETag is a hash of the content never repeats one.
 */
export interface ProcessState {
  readonly version: number
  readonly writeId: string
  /** The `writeId` of the version before; `null` in version 1. */
  readonly previous: string | null
  readonly id: ProcessId
  readonly type: ProcessType
  readonly name: string
  readonly dataset: string | null
  readonly config: Readonly<Record<string, unknown>>
  readonly status: ProcessStatus
  /** The fencing epoch: from 1, one more for every retry or takeover. Words of an older attempt are refused. */
  readonly attempt: number
  /** Who holds the attempt; `null` while it is queued. */
  readonly worker: string | null
  readonly cancelRequested: boolean
  /** The highest `seq` applied in this attempt; -1 before the first report. */
  readonly lastSeq: number
  /** How far earlier attempts came, the newest last; bounded by `maxHistory`. */
  readonly earlier?: readonly EarlierAttempt[]
  readonly expectNextInSeconds: number | null
  /**
   * When the worker last spoke, by the store's clock. `null` in the store: by the very write of this version, so that the date
   * of the object says it; `null` in memory: just now, or there is no worker.
   */
  readonly heardAt: string | null
  readonly step: number
  readonly totalSteps: number | null
  readonly metrics: Readonly<Record<string, number>>
  /** What was measured last in this attempt; what came before lies in chunks. */
  readonly points?: readonly MetricPoint[]
  readonly message: string | null
  readonly error: ProcessFailure | null
  /** The newest last; bounded by `maxRecordedOperations`. */
  readonly operations: readonly RecordedOperation[]
  /** Changes of status, the newest last; bounded by `maxHistory`. */
  readonly history: readonly { readonly status: ProcessStatus; readonly attempt: number; readonly at: string }[]
  readonly createdAt: string
  readonly updatedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  /** Nobody sees it any more. */
  readonly deleted?: true
}

export const maxRecordedOperations = 64
export const maxHistory = 20

export const processPrefix = 'processes/state/'

export function stateKey(id: ProcessId): ObjectKey {
  return parseObjectKey(`${processPrefix}${id}.json`)
}

/** A stored state that cannot be read: somebody else wrote under our keys, or bytes were damaged. */
export class StateUnreadable extends CodedError {
  readonly code = 'state-unreadable'
}

export function encodeState(state: ProcessState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state))
}

/** Throws `StateUnreadable`. Trusts the inside of a document that says it is one of ours. */
export function decodeState(bytes: Uint8Array): ProcessState {
  let state: Partial<ProcessState>
  try {
    state = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Partial<ProcessState>
  } catch (cause) {
    throw new StateUnreadable('a process state is not JSON', { cause })
  }
  const ours =
    Number.isInteger(state.version) &&
    typeof state.writeId === 'string' &&
    typeof state.id === 'string' &&
    processStatuses.some((status) => status === state.status) &&
    Number.isInteger(state.attempt) &&
    Array.isArray(state.operations)
  if (!ours) throw new StateUnreadable('a process state lacks its members')
  return state as ProcessState
}
