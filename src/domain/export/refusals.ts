import { CodedError } from '../../ports/errors.ts'

/** The selection names no object. */
export class ExportEmpty extends CodedError {
  readonly code = 'export-empty'
}

/** More entries, or a longer archive, than the limits allow. */
export class ExportTooLarge extends CodedError {
  readonly code = 'export-too-large'
}

/** An object was deleted or replaced after the export was made. Only a new export helps. */
export class ExportStale extends CodedError {
  readonly code = 'export-stale'
}

/** The stored bytes of an object do not have the checksum that was recorded for this very version. */
export class ExportCorrupt extends CodedError {
  readonly code = 'export-corrupt'
}

/** A stored manifest that cannot be read: somebody else wrote under our keys, or bytes were damaged. */
export class ExportManifestBroken extends CodedError {
  readonly code = 'export-manifest-broken'
}

/** The range holds the checksum of an entry of which it does not hold all bytes, and nobody knows that checksum yet. */
export class ExportChecksumMissing extends CodedError {
  readonly code = 'export-checksum-missing'
  /** The entries whose objects must be read first, by their place in the manifest. */
  readonly entryIndexes: readonly number[]

  constructor(entryIndexes: readonly number[]) {
    super(`the CRC-32 of ${entryIndexes.length} entries must be known before this range can be sent`)
    this.entryIndexes = entryIndexes
  }
}
