import { createObjectFetch } from '../../../src/adapters/node-http/object-fetch.ts'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { dialectOf } from '../../../src/adapters/s3/dialect.ts'
import { webFetch } from '../../../src/adapters/s3/object-fetch.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import { everythingOfS3 } from '../../contract/capabilities.ts'
import { describeObjectStore } from '../../contract/object-store.ts'
import { startFakeS3 } from './fake-s3.ts'

const ids = createIds()
const dialect = dialectOf('aws', undefined)

for (const [way, fetch] of [
  ['by fetch', webFetch],
  ['by node:http', createObjectFetch()],
] as const) {
  describeObjectStore(`s3 on the fake in profile aws, read ${way}`, {
    supports: everythingOfS3,
    gaps: { contentEtags: true },
    async open() {
      const fake = await startFakeS3({ profile: 'aws' })
      const { origin, region, credentials, bucket } = fake
      const client = createS3Client({ endpoint: origin, region, credentials })
      const store = () => createS3ObjectStore({ client, fetch, bucket, prefix: 'lora', ids, dialect })
      return {
        store: store(),
        other: store(),
        async close() {
          client.destroy()
          await fake.stop()
        },
      }
    },
  })
}
