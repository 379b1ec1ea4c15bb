import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { createS3Client, type S3Connection } from '../../src/adapters/s3/client.ts'

const demanded = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} must be set`)
  return value
}

const connection: S3Connection & { readonly endpoint: string } = {
  endpoint: demanded('S3_TEST_ENDPOINT_URL'),
  region: process.env.S3_TEST_REGION ?? 'us-east-1',
  credentials: { accessKeyId: demanded('AWS_ACCESS_KEY_ID'), secretAccessKey: demanded('AWS_SECRET_ACCESS_KEY') },
}

/**
 * The S3 server that the environment names, for tests that any server should pass:
 *
 *     S3_TEST_ENDPOINT_URL=… S3_TEST_BUCKET=… AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… npx vitest run --project s3-server
 *
 * What they store stays in the bucket, each run below prefixes of its own. `S3_TEST_SERVER=ceph` expects Ceph's deviations.
 */
export const server = {
  name: process.env.S3_TEST_SERVER ?? 'the server of the environment',
  bucket: demanded('S3_TEST_BUCKET'),
  client: createS3Client(connection),

  /** The variables by which the service finds it. */
  settings: {
    S3_ENDPOINT_URL: connection.endpoint,
    S3_REGION: connection.region,
    S3_BUCKET: demanded('S3_TEST_BUCKET'),
    AWS_ACCESS_KEY_ID: connection.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: connection.credentials.secretAccessKey,
  },

  /** Makes the bucket where there is none. */
  async makeBucket(): Promise<void> {
    const made = await server.client.send(new CreateBucketCommand({ Bucket: server.bucket })).catch((e: Error) => e)
    if (made instanceof Error && !/^BucketAlready/.test(made.name)) throw made
  },
}
