import type { TestProject } from 'vitest/node'
import type { S3Connection } from '../../src/adapters/s3/client.ts'
import { type S3rver, startS3rver } from '../servers/s3rver.ts'

declare module 'vitest' {
  interface ProvidedContext {
    s3rver: { connection: S3Connection; bucket: string }
  }
}

let server: S3rver | undefined

/** Runs in Node before the Worker: a server outside, as there is one in production. */
export async function setup(project: TestProject): Promise<void> {
  server = await startS3rver()
  project.provide('s3rver', { connection: server.connection, bucket: server.bucket })
}

export async function teardown(): Promise<void> {
  await server?.stop()
}
