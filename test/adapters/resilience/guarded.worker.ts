import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../../src/adapters/node-crypto/digests.ts'
import { withResilience } from '../../../src/adapters/resilience/object-store.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { parseObjectKey } from '../../../src/ports/object-key.ts'

const quiet = () => {}
const memory = createMemoryObjectStore({ nowMs: Date.now })
const key = parseObjectKey('k')

/** One guard for all requests of the isolate, with room for one call at a time. */
const { store, health } = withResilience(
  {
    ...memory,
    async head(...of) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return memory.head(...of)
    },
    async list() {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (failing) throw new StoreUnavailable('down')
      return { objects: [], prefixes: [], cursor: undefined }
    },
  },
  {
    clock: createSystemClock(),
    ids: { fraction: Math.random },
    digests: createDigests(),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    settings: { metaAtOnce: 1, listAtOnce: 8, retriesMax: 1, openFirstMs: 200, backoffFirstMs: 5 },
  },
)
let failing = false

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const { signal } = request
    failing = searchParams.has('failing')
    try {
      if (pathname === '/head') return Response.json({ found: (await store.head(key, { signal })) ?? null })
      if (pathname === '/list') return Response.json(await store.list({ signal, prefix: '', limit: 1 }))
      return Response.json(health())
    } catch (error) {
      return new Response(String(error), { status: 503 })
    }
  },
}
