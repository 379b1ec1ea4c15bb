/**
 * What can go wrong beneath a port, in the port's words. Callers act on `code`, never on the message; `cause` keeps the
 * original for the log and never leaves the service.
 */
export abstract class CodedError extends Error {
  abstract readonly code: string

  override get name(): string {
    return this.constructor.name
  }
}

/** What a failure says of a store, for those who count them and those who ask again. */
export interface FailureFacts {
  readonly cause?: unknown
  readonly retryAfterMs?: number | undefined
  readonly effect?: 'never-sent' | 'maybe-sent'
  readonly blame?: 'store' | 'load' | 'request'
  readonly again?: 'usual' | 'once' | 'never'
}

/** The store did not do it and may do it later: refused connections, time-outs, 5xx, throttling, an open breaker. */
export class StoreUnavailable extends CodedError {
  readonly code = 'store-unavailable'
  /** How long the store, or an open breaker, asked to be left alone. */
  readonly retryAfterMs: number | undefined
  /** `never-sent`: the request cannot have had an effect. `maybe-sent`: it may have, or may still. */
  readonly effect: 'never-sent' | 'maybe-sent'
  /**
   * What it speaks against. `store`: its health. `load`: it is there and asks for fewer calls. `request`: this one was
   * slow, damaged on its way or signed by a wrong clock, and the next may be fine.
   */
  readonly blame: 'store' | 'load' | 'request'
  /** Whether asking again may help: as often as for any failure, once, or not before an operator has acted. */
  readonly again: 'usual' | 'once' | 'never'

  constructor(message: string, facts: FailureFacts = {}) {
    super(message, { cause: facts.cause })
    this.retryAfterMs = facts.retryAfterMs
    this.effect = facts.effect ?? 'maybe-sent'
    this.blame = facts.blame ?? 'store'
    this.again = facts.again ?? 'usual'
  }
}

/** The store refused our credentials or this operation. Trying again does not help; the operator must act. */
export class StoreDenied extends CodedError {
  readonly code = 'store-denied'
}

/** No space left. Nothing was stored. */
export class StoreFull extends CodedError {
  readonly code = 'store-full'
}

/** The store answered something that its protocol does not allow. */
export class StoreMisbehaved extends CodedError {
  readonly code = 'store-misbehaved'
}

/** This store was seen not to do `capability`. Refused before anything was sent. */
export class UnsupportedByStore extends CodedError {
  readonly code = 'unsupported-by-store'
  readonly capability: string

  constructor(capability: string) {
    super(`this store cannot do ${capability}`)
    this.capability = capability
  }
}

/** The object is not, or no longer, the version that was asked for. */
export class PreconditionFailed extends CodedError {
  readonly code = 'precondition-failed'
}

/** The range starts behind the end of the object. */
export class RangeNotSatisfiable extends CodedError {
  readonly code = 'range-not-satisfiable'
  readonly sizeBytes: number

  constructor(sizeBytes: number) {
    super(`the object has ${sizeBytes} bytes`)
    this.sizeBytes = sizeBytes
  }
}

/** No such multipart upload: never created, completed, aborted or expired. */
export class UploadNotFound extends CodedError {
  readonly code = 'upload-not-found'
}

/** The parts given to complete are not the parts that were stored. The upload stays open. */
export class InvalidParts extends CodedError {
  readonly code = 'invalid-parts'
}

/** A cursor that this listing did not give out. Stores that can tell throw it; others may list from somewhere. */
export class InvalidCursor extends CodedError {
  readonly code = 'invalid-cursor'
}

/** A key that breaks a rule of `parseObjectKey`. */
export class InvalidKey extends CodedError {
  readonly code = 'invalid-key'
}

/**
 * The key cannot be stored beside another one: this store keeps objects as files, and a beginning of the key is an object
 * already, or the key is the beginning of others. Nothing was changed. Stores without folders never throw it.
 */
export class KeyConflict extends CodedError {
  readonly code = 'key-conflict'
}

/** A link whose token was not made by us, was changed, or is used for something else than it was made for. */
export class LinkInvalid extends CodedError {
  readonly code = 'link-invalid'
}

/** A genuine link, used too late. */
export class LinkExpired extends CodedError {
  readonly code = 'link-expired'
}
