import type { ResilienceSettings } from '../adapters/resilience/settings.ts'
import { createS3Client } from '../adapters/s3/client.ts'
import { type Dialect, dialectOf } from '../adapters/s3/dialect.ts'
import { createS3LinkSigner } from '../adapters/s3/link-signer.ts'
import type { ObjectFetch } from '../adapters/s3/object-fetch.ts'
import { createS3ObjectStore } from '../adapters/s3/object-store.ts'
import { createStoreClock, type StoreClock } from '../adapters/s3/store-clock.ts'
import type { Clock } from '../ports/clock.ts'
import type { Ids } from '../ports/ids.ts'
import type { LinkSigner } from '../ports/link-signer.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { S3Settings } from './config.ts'
import { profileSettings } from './store-settings.ts'

export interface OpenedS3 {
  readonly store: ObjectStore
  /** Only where browsers reach presigned URLs of this store. Whether it honours them is for its capabilities to say. */
  readonly links: LinkSigner | undefined
  /** Why there are none, for the operator. */
  readonly ownLinksBecause: string | undefined
  readonly dialect: Dialect
  /** What its dialect wants otherwise than other stores. */
  readonly resilience: Partial<ResilienceSettings>
}

/** What every store has when it is opened, and what only S3 may have. */
export type OpenedStore = Pick<OpenedS3, 'store' | 'links'> & Partial<OpenedS3>

/** How this service speaks to the store of these settings. Nothing is sent yet. */
export function s3Client(settings: S3Settings, storeClock?: StoreClock): ReturnType<typeof createS3Client> {
  const { endpointUrl, region, accessKeyId, secretAccessKey, sessionToken, forcePathStyle } = settings
  return createS3Client({
    endpoint: endpointUrl,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    forcePathStyle,
    storeClock,
  })
}

/** A bucket as settings name it, read by `fetch`, and the links that it signs itself. Nothing is sent yet. */
export function openS3(
  settings: S3Settings,
  { ids, clock, fetch }: { ids: Ids; clock: Clock; fetch?: ObjectFetch },
): OpenedS3 {
  const { endpointUrl, bucket, prefix } = settings
  const storeClock = createStoreClock()
  const client = s3Client(settings, storeClock)
  const dialect = dialectOf(settings.profile, endpointUrl)
  const ownLinksBecause = ownLinksReason(settings.presign, dialect)
  return {
    store: createS3ObjectStore({ client, ...(fetch && { fetch }), bucket, prefix, ids, dialect, storeClock }),
    links: ownLinksBecause === undefined ? createS3LinkSigner({ client, bucket, prefix, clock }) : undefined,
    ownLinksBecause,
    dialect,
    resilience: profileSettings(dialect),
  }
}

/** `S3_PRESIGN=always` says that browsers reach a store of which we do not know it, and not that RunPod signs URLs. */
function ownLinksReason(presign: S3Settings['presign'], { name, browsers }: Dialect): string | undefined {
  if (browsers === 'never') return `browsers cannot use presigned URLs of the profile ${name}`
  if (presign === 'never') return 'S3_PRESIGN=never'
  if (browsers === 'reach' || presign === 'always') return undefined
  return `whether browsers reach a store of the profile ${name} is not known; S3_PRESIGN=always says that they do`
}
