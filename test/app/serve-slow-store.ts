// The service over a store that takes 50 ms for a put and keeps no bytes, as a process of its own: its memory is then
// what the service itself holds.

import { setTimeout as delay } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { createConsoleLog } from '../../src/adapters/console/log.ts'
import { createMemoryObjectStore } from '../../src/adapters/memory/object-store.ts'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { createSystemClock } from '../../src/adapters/system/clock.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { compose } from '../../src/app/composition.ts'
import { readConfig } from '../../src/app/config.ts'
import { guardStores } from '../../src/app/guarded-stores.ts'
import { localReadAhead } from '../../src/domain/export/read-ahead.ts'

const putMs = 50
const clock = createSystemClock()
const memory = createMemoryObjectStore(clock)
const store: typeof memory = {
  ...memory,
  async put(key, body, options) {
    await delay(putMs)
    // Small bookkeeping is kept; of files only that they are there.
    return memory.put(key, key.startsWith('dataset/') ? body.subarray(0, 1) : body, options)
  },
}
const server = createAdaptorServer({ fetch: (request, env) => app.fetch(request, env) })
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = server.address()
const publicUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
const ids = createIds()
const log = createConsoleLog({ level: 'error', write: (line) => process.stderr.write(`${line}\n`) })
const guarded = guardStores({
  objects: store,
  state: undefined,
  exclusive: undefined,
  clock,
  ids,
  digests: createDigests(),
  log,
})
const app = compose({
  config: readConfig({ STORE: 'memory' }),
  publicUrl,
  linkSecrets: [{ keyId: 'test', secret: new Uint8Array(32) }],
  ...guarded,
  metrics: undefined,
  streams: { shared: true, lastMs: 60_000, ending: undefined },
  readAhead: localReadAhead,
  storeLinks: undefined,
  digests: createDigests(),
  clock,
  ids,
  log,
})
process.stdout.write(`${publicUrl}\n`)
