import type { S3Client } from '@aws-sdk/client-s3'
import { afterEach } from 'vitest'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { type FakeS3, type FakeS3Options, startFakeS3 } from './fake-s3.ts'

export interface Stage {
  readonly fake: FakeS3
  /** As the service makes it, with the credentials of the fake. */
  readonly client: S3Client
  /** The names of an object, for a command. */
  at(key: string): { Bucket: string; Key: string }
}

const open: Stage[] = []

/** A fake and a client for one test; both are gone after it. */
export async function stage(options: Partial<FakeS3Options> = {}): Promise<Stage> {
  const fake = await startFakeS3({ profile: 'aws', ...options })
  const { origin, region, credentials, bucket } = fake
  const client = createS3Client({ endpoint: origin, region, credentials })
  const made: Stage = { fake, client, at: (key) => ({ Bucket: bucket, Key: key }) }
  open.push(made)
  return made
}

export function closeStages(): void {
  afterEach(async () => {
    for (const { fake, client } of open.splice(0)) {
      client.destroy()
      await fake.stop()
    }
  })
}

/** What a refused command says of itself. Fails when it was not refused. */
export async function refusal(
  sent: Promise<unknown>,
): Promise<{ status: number | undefined; code: string | undefined }> {
  const error = await sent.then(
    () => {
      throw new Error('it was not refused')
    },
    (thrown: unknown) => thrown as { name: string; Code?: string; $metadata?: { httpStatusCode?: number } },
  )
  return { status: error.$metadata?.httpStatusCode, code: error.Code ?? error.name }
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** The text of an element of an XML answer. */
export const elementText = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
