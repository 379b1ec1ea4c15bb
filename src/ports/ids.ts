export interface Ids {
  /** A new identifier: 128 unguessable bits as 26 characters of `[0-9a-z]`, so it may stand in keys, URLs and file names. */
  next(): string
  /** A number in [0, 1), for jitter. Not a secret. */
  fraction(): number
}
