import { MalformedForm } from './errors.ts'
import type { PartEvents } from './part-events.ts'

export interface FileBody {
  /**
   * The bytes up to the end of the present part. Can be read once, and only until the rest is skipped: otherwise it throws,
   * so that a file never looks shorter than it is.
   */
  readonly bytes: AsyncIterable<Uint8Array>
  /** Passes over what is left. */
  skip(): Promise<void>
}

export function createFileBody(events: PartEvents): FileBody {
  let taken = false
  let skipped = false
  let ended = false
  let turn: Promise<Uint8Array | undefined> = Promise.resolve(undefined)

  const fetchBytes = async (): Promise<Uint8Array | undefined> => {
    const event = ended ? undefined : await events.next()
    if (event?.type === 'data') return event.bytes
    ended = true
    return undefined
  }
  // In turn, so that skipping while a read is under way takes nothing of the next part.
  const nextBytes = () => {
    turn = turn.then(fetchBytes)
    return turn
  }

  async function* readBytes() {
    if (taken) throw new MalformedForm('the body of a file can be read only once')
    taken = true
    for (;;) {
      const bytes = await nextBytes()
      if (skipped) throw new MalformedForm('the body of a file was not read before the next part')
      if (bytes === undefined) return
      yield bytes
    }
  }

  return {
    bytes: { [Symbol.asyncIterator]: readBytes },
    async skip() {
      skipped ||= !ended
      while ((await nextBytes()) !== undefined);
    },
  }
}
