// What every peer does alike: the AWS SDK as it comes, a listing, and one object after another.
import type { Readable } from 'node:stream'
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { datasetsPrefix } from '../origin/dataset.ts'

const Bucket = 'bench'

const s3 = new S3Client({
  endpoint: process.env.S3_ENDPOINT_URL ?? '',
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
})

export interface Listed {
  readonly key: string
  /** In the archive. */
  readonly name: string
  readonly sizeBytes: number
}

export async function listDataset(dataset: string): Promise<Listed[]> {
  const listed: Listed[] = []
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: s3 },
    { Bucket, Prefix: `${datasetsPrefix}${dataset}/` },
  )) {
    for (const { Key = '', Size = 0 } of Contents) {
      listed.push({ key: Key, name: Key.slice(datasetsPrefix.length), sizeBytes: Size })
    }
  }
  return listed
}

/** One request. On Node the SDK's bodies are Node's streams. */
export async function openBody(key: string): Promise<Readable> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }))
  if (Body === undefined) throw new Error(`no body of ${key}`)
  return Body as Readable
}
