// The contracts against any S3 server, with everything that S3 promises declared:
//   S3_TEST_ENDPOINT_URL=… S3_TEST_BUCKET=… AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… npx vitest run --project by-hand
// The bucket is made when it is missing, and what the tests store stays in it. Ceph 20 passes all but three: a conditional
// delete of a missing object is 204 there, completing an upload that has further parts is InvalidPart, and completing an
// aborted one is 500.
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { beforeAll } from 'vitest'
import { createS3Client } from '../../src/adapters/s3/client.ts'
import { createS3LinkSigner } from '../../src/adapters/s3/link-signer.ts'
import { createS3ObjectStore } from '../../src/adapters/s3/object-store.ts'
import { createSystemClock } from '../../src/adapters/system/clock.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { describeLinkSigner } from '../contract/link-signer.ts'
import { describeObjectStore } from '../contract/object-store.ts'

const ids = createIds()
const demanded = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} must be set`)
  return value
}
const bucket = demanded('S3_TEST_BUCKET')
const client = createS3Client({
  endpoint: demanded('S3_TEST_ENDPOINT_URL'),
  region: process.env.S3_TEST_REGION ?? 'us-east-1',
  credentials: { accessKeyId: demanded('AWS_ACCESS_KEY_ID'), secretAccessKey: demanded('AWS_SECRET_ACCESS_KEY') },
})

beforeAll(async () => {
  const made = await client.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: Error) => error)
  if (made instanceof Error && !/^BucketAlready/.test(made.name)) throw made
})

describeObjectStore('s3 on the server of the environment', {
  supports: {
    conditionalPut: 'atomic',
    conditionalComplete: 'atomic',
    conditionalDelete: 'atomic',
    batchDelete: true,
    listParts: true,
    abortMultipart: true,
    objectMetadata: true,
    presign: true,
    minPartBytes: 5 * 2 ** 20,
    maxPartBytes: 95 * 2 ** 20,
    maxParts: 10_000,
  },
  gaps: { contentEtags: true },
  async open() {
    const place = { client, bucket, prefix: `contract-${ids.next()}` }
    return {
      store: createS3ObjectStore({ ...place, ids }),
      other: createS3ObjectStore({ ...place, ids }),
      close: async () => {},
    }
  },
})

describeLinkSigner('s3, presigned for the server of the environment', {
  async open() {
    const place = { client, bucket, prefix: `links-${ids.next()}` }
    const clock = createSystemClock()
    const signer = createS3LinkSigner({ ...place, clock })
    return { signer, store: createS3ObjectStore({ ...place, ids }), nowMs: clock.nowMs, close: async () => {} }
  },
  gaps: { getOnly: 'signature version 4 signs the method' },
})
