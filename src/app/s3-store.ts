import { createS3Client } from '../adapters/s3/client.ts'
import { createS3LinkSigner } from '../adapters/s3/link-signer.ts'
import { createS3ObjectStore } from '../adapters/s3/object-store.ts'
import { capabilitiesOfEndpoint } from '../adapters/s3/probe.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import type { LinkSigner } from '../ports/link-signer.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { S3Settings } from './config.ts'

/** A bucket as settings name it, and the links that it signs itself. Nothing is sent yet. */
export function openS3(
  { endpointUrl, region, bucket, prefix, accessKeyId, secretAccessKey, sessionToken, forcePathStyle }: S3Settings,
  { ids, clock }: { ids: Ids; clock: Clock },
): { store: ObjectStore; links: LinkSigner } {
  const client = createS3Client({
    endpoint: endpointUrl,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    forcePathStyle,
  })
  const known = endpointUrl === undefined ? {} : capabilitiesOfEndpoint(endpointUrl)
  return {
    store: createS3ObjectStore({ client, bucket, prefix, ids, known }),
    links: createS3LinkSigner({ client, bucket, prefix, clock }),
  }
}
