import { inject } from 'vitest'
import { createDigests } from '../../src/adapters/node-crypto/digests.ts'
import { withResilience } from '../../src/adapters/resilience/object-store.ts'
import { createS3Client } from '../../src/adapters/s3/client.ts'
import { createS3ObjectStore } from '../../src/adapters/s3/object-store.ts'
import { createSystemClock } from '../../src/adapters/system/clock.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { s3rverCapabilities } from '../contract/capabilities.ts'
import { describeObjectStore } from '../contract/object-store.ts'

const { connection, bucket } = inject('s3rver')
const client = createS3Client(connection)
const ids = createIds()
const clock = createSystemClock()
const quiet = () => {}
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

let opened = 0

describeObjectStore('guarded S3 in workerd', {
  supports: s3rverCapabilities,
  // Of s3rver; see test/adapters/s3.
  gaps: { contentEtags: true, maxSegmentBytes: 200, tornReads: true, unorderedPages: true, uncheckedParts: true },
  async open() {
    opened += 1
    const s3 = createS3ObjectStore({ client, bucket, prefix: `workerd-${opened}`, ids })
    // As there; and the contract notes checksums that are not those of its bytes.
    const { store } = withResilience(s3, { clock, ids, digests: createDigests(), log, verifyBodies: false })
    return { store, other: store, close: async () => {} }
  },
})
