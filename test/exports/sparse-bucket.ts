import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type S3rver, startS3rver } from '../servers/s3rver.ts'
import { recordChecksums, writeSparseFile } from './foreign-files.ts'

export interface SparseBucket {
  readonly s3rver: S3rver
  /** How a service finds it; `endpoint` stands in between. */
  env(endpoint?: string): Readonly<Record<string, string>>
}

/** A bucket with one object of holes, which nobody uploaded and which takes no room on the disk, and its record. */
export async function startSparseBucket(key: string, sizeBytes: number): Promise<SparseBucket> {
  const s3rver = await startS3rver()
  const env = (endpoint = `${s3rver.connection.endpoint}`) => ({
    ...s3rver.environment,
    STORE: 's3',
    S3_ENDPOINT_URL: endpoint,
    LINK_SECRETS: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
  })
  const file = join(s3rver.directory, s3rver.bucket, 'lora-dashboard', `${key}._S3rver_object`)
  await writeSparseFile(file, sizeBytes, 1)
  // The version: any will do, and without one the server reads all bytes to find it.
  await writeFile(`${file}.md5`, '0123456789abcdef'.repeat(2))
  await recordChecksums(env(), [key])
  return { s3rver, env }
}
