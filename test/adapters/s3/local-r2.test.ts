import { afterAll, beforeAll } from 'vitest'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { createS3LinkSigner } from '../../../src/adapters/s3/link-signer.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createSystemClock } from '../../../src/adapters/system/clock.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { everythingOfS3 } from '../../contract/capabilities.ts'
import { describeLinkSigner } from '../../contract/link-signer.ts'
import { describeObjectStore } from '../../contract/object-store.ts'
import { type LocalR2, startLocalR2 } from '../../servers/local-r2.ts'

let server: LocalR2
let opened = 0
const ids = createIds()

beforeAll(async () => {
  server = await startLocalR2()
})
afterAll(() => server?.stop())

describeObjectStore('s3 on the S3 API of R2', {
  supports: { ...everythingOfS3, conditionalComplete: 'none', conditionalDelete: 'none', listParts: false },
  gaps: { contentEtags: true },
  async open() {
    opened += 1
    const place = { client: createS3Client(server.connection), bucket: server.bucket, prefix: `run-${opened}` }
    return {
      store: createS3ObjectStore({ ...place, ids }),
      other: createS3ObjectStore({ ...place, ids }),
      close: async () => {},
    }
  },
})

describeLinkSigner('s3, presigned for R2, which checks', {
  async open() {
    const place = { client: createS3Client(server.connection), bucket: server.bucket, prefix: 'links' }
    const clock = createSystemClock()
    const signer = createS3LinkSigner({ ...place, clock })
    return { signer, store: createS3ObjectStore({ ...place, ids }), nowMs: clock.nowMs, close: async () => {} }
  },
  gaps: {
    getOnly: 'signature version 4 signs the method',
    unnamed: 'the simulator, other than R2 itself, reads no response-content-disposition',
  },
})
