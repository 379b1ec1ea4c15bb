import { afterAll, beforeAll } from 'vitest'
import { createKeyedMutex } from '../../../src/adapters/checked-conditions/keyed-mutex.ts'
import { withCheckedConditions } from '../../../src/adapters/checked-conditions/object-store.ts'
import { withTurns } from '../../../src/adapters/checked-conditions/turns.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import type { StoreCapabilities } from '../../../src/ports/object-store.ts'
import { s3rverCapabilities } from '../../contract/capabilities.ts'
import { describeObjectStore, type StoreGaps } from '../../contract/object-store.ts'
import { type S3rver, startS3rver } from '../../servers/s3rver.ts'

let server: S3rver
let opened = 0

beforeAll(async () => {
  server = await startS3rver()
})
afterAll(() => server.stop())

const ids = createIds()

function openStore() {
  opened += 1
  const { client, bucket } = server
  return createS3ObjectStore({ client, bucket, prefix: `run-${opened}`, ids })
}

const supports: StoreCapabilities = s3rverCapabilities

const gaps: StoreGaps = {
  contentEtags: true,
  // It adds to each name, makes it one file's, and dies when that name is too long for the file system.
  maxSegmentBytes: 200,
  // It writes in place, and answers before the last bytes are on their way.
  tornReads: true,
  unorderedPages: true,
  uncheckedParts: true,
}

describeObjectStore('s3 on s3rver', {
  supports,
  gaps,
  async open() {
    const store = openStore()
    return { store, other: store, close: async () => {} }
  },
})

describeObjectStore('checked conditions over s3 on s3rver', {
  supports: { ...supports, conditionalPut: 'checked', conditionalComplete: 'checked', conditionalDelete: 'checked' },
  gaps,
  async open() {
    const store = withTurns(withCheckedConditions(openStore()), createKeyedMutex())
    return { store, other: store, close: async () => {} }
  },
})
