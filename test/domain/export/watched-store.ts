import type { ObjectStore, StoredObject } from '../../../src/ports/object-store.ts'

export interface WatchedStore extends ObjectStore {
  /** The keys that were asked for, in order. */
  readonly asked: string[]
  /** Bodies that are open now, and the most there ever were. */
  readonly open: { now: number; most: number }
  readonly bytesSent: () => number
}

/** The same store, seen through. `serve` may delay or change what `get` answers. */
export function watch(
  store: ObjectStore,
  serve: (found: StoredObject, key: string) => StoredObject | Promise<StoredObject> = (found) => found,
): WatchedStore {
  const asked: string[] = []
  const open = { now: 0, most: 0 }
  let sent = 0
  return {
    ...store,
    asked,
    open,
    bytesSent: () => sent,
    async get(key, options) {
      asked.push(key)
      open.now += 1
      open.most = Math.max(open.most, open.now)
      try {
        const found = await store.get(key, options)
        if (found === undefined) {
          open.now -= 1
          return undefined
        }
        const served = await serve(found, key)
        const body = counted(
          served.body,
          (bytes) => {
            sent += bytes
          },
          () => {
            open.now -= 1
          },
        )
        return { ...served, body }
      } catch (error) {
        open.now -= 1
        throw error
      }
    },
  }
}

function counted(
  body: ReadableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let ended = false
  const end = () => {
    if (!ended) onEnd()
    ended = true
  }
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            end()
            controller.close()
          } else {
            onBytes(value.byteLength)
            controller.enqueue(value)
          }
        } catch (error) {
          end()
          throw error
        }
      },
      cancel(reason) {
        end()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

/** A body of just these chunks; `hang` keeps it open after them, `error` breaks it. */
export function bodyOf(
  chunks: readonly Uint8Array[],
  ending: 'close' | 'hang' | 'error' = 'close',
): ReadableStream<Uint8Array> {
  const waiting = [...chunks]
  return new ReadableStream(
    {
      pull(controller) {
        const next = waiting.shift()
        if (next !== undefined) controller.enqueue(next)
        else if (ending === 'close') controller.close()
        else if (ending === 'error') controller.error(new Error('connection reset'))
        else return new Promise(() => {})
        return undefined
      },
    },
    { highWaterMark: 0 },
  )
}
