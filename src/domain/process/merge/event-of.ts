import type { ProcessOperation } from '../operation.ts'
import type { ProcessState } from '../process-state.ts'
import type { ProcessEvent } from './process-event.ts'

/** The event that `operation` is on a process that stands like `state`. `meetings`: how often it was taken back before. */
export function eventOf(
  operation: ProcessOperation,
  state: ProcessState | undefined,
  { abandons, meetings }: { abandons: boolean; meetings: number },
): ProcessEvent {
  const { operationId, at } = operation
  const writeId = meetings === 0 ? operation.writeId : `${operation.writeId}-${meetings}`
  const common = { operationId, writeId, at, attempt: state?.attempt ?? 1 }
  switch (operation.kind) {
    case 'create': {
      const { type, name, dataset, config, totalSteps } = operation
      const planned = { type, name, dataset, config, ...(totalSteps === undefined ? {} : { totalSteps }) }
      return { ...common, kind: 'create', ...planned }
    }
    case 'claim':
      return { ...common, kind: 'claim', worker: operation.worker }
    case 'report':
      return { ...operation, ...common, attempt: operation.attempt }
    case 'cancel':
      return { ...common, kind: 'cancel', abandons }
    case 'retry':
      return { ...common, kind: 'retry', attempt: common.attempt + 1 }
    case 'delete':
      return { ...common, kind: 'delete' }
    case 'takeover':
      throw new TypeError('a takeover is no event')
  }
}
