import { beforeAll } from 'vitest'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { createObjectFetch } from '../../src/adapters/node-http/object-fetch.ts'
import { withResilience } from '../../src/adapters/resilience/object-store.ts'
import { createS3LinkSigner } from '../../src/adapters/s3/link-signer.ts'
import { createS3ObjectStore } from '../../src/adapters/s3/object-store.ts'
import { createSystemClock } from '../../src/adapters/system/clock.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import type { StoreCapabilities } from '../../src/ports/object-store.ts'
import { everythingOfS3 } from '../contract/capabilities.ts'
import { describeLinkSigner } from '../contract/link-signer.ts'
import { describeObjectStore, type StoreGaps } from '../contract/object-store.ts'
import { server } from './server.ts'

const clock = createSystemClock()
const ids = createIds()
const { client, bucket, name } = server

/** Everything that S3 promises. */
const supports: StoreCapabilities = everythingOfS3

const cephGaps: StoreGaps = {
  // 204 where Amazon says 404 NoSuchKey.
  absentDeletes: true,
  // It counts the parts of the upload against those of the request: 400 InvalidPart.
  noSpareParts: true,
  // 500 InternalError, "already in progress".
  abortedUnanswered: true,
}

const gaps: StoreGaps = { contentEtags: true, ...(name === 'ceph' && cephGaps) }

beforeAll(() => server.makeBucket())

describeObjectStore(`s3 on ${name}`, {
  supports,
  gaps,
  async open() {
    const place = { client, bucket, prefix: `contract-${ids.next()}` }
    return {
      store: createS3ObjectStore({ ...place, ids }),
      other: createS3ObjectStore({ ...place, ids }),
      close: async () => {},
    }
  },
})

describeObjectStore(`resilience around s3 on ${name}`, {
  supports,
  gaps,
  async open() {
    const place = { client, bucket, prefix: `guarded-${ids.next()}` }
    const quiet = () => {}
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
    // The suite notes checksums that are not those of its bytes.
    const options = { clock, ids, digests: createDigests(), log, verifyBodies: false }
    // As a Node server reads; the suite above reads by fetch.
    const fetch = createObjectFetch()
    const guarded = () => withResilience(createS3ObjectStore({ ...place, fetch, ids }), options).store
    return { store: guarded(), other: guarded(), close: async () => {} }
  },
})

describeLinkSigner(`s3, presigned for ${name}`, {
  async open() {
    const place = { client, bucket, prefix: `links-${ids.next()}` }
    const signer = createS3LinkSigner({ ...place, clock })
    return { signer, store: createS3ObjectStore({ ...place, ids }), nowMs: clock.nowMs, close: async () => {} }
  },
  gaps: { getOnly: 'signature version 4 signs the method' },
})
