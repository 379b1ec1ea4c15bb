/** What a client saw of one answer, which it has read to its end. */
export interface Delivery {
  readonly status: number
  /** As announced; left out where the body came in chunks. */
  readonly contentLength?: number
  readonly bytes: number
  readonly firstByteMs: number
  readonly wallMs: number
}
