import { CodedError } from '../../ports/errors.ts'

/** The id is taken by another process. */
export class ProcessExists extends CodedError {
  readonly code = 'conflict'
}

/** Another worker holds the attempt. */
export class AlreadyClaimed extends CodedError {
  readonly code = 'already-claimed'
}

/** Words of an attempt, or of a worker, that no longer holds the process. The worker should stop. */
export class Fenced extends CodedError {
  readonly code = 'fenced'
}

/** The state machine has no such arrow from the present status. */
export class IllegalTransition extends CodedError {
  readonly code = 'illegal-transition'
}

export type ProcessRefusal = ProcessExists | AlreadyClaimed | Fenced | IllegalTransition
