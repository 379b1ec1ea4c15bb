import type { StoreCapabilities } from '../../ports/object-store.ts'

const MiB = 2 ** 20

export const dialectNames = ['aws', 'runpod', 'r2', 'minio', 'ceph', 'b2', 'gcs', 'generic'] as const
export type DialectName = (typeof dialectNames)[number]

/** Where the servers that call themselves S3 differ, as far as it must be known before the first request. */
export interface Dialect {
  readonly name: DialectName
  /**
   * Which checksum DeleteObjects carries; S3 demands one. MD5 is the older and the more widely taken: B2 refuses the
   * header of the CRC-32, MinIO before 2025 misses its Content-MD5.
   */
  readonly batchChecksum: 'CRC32' | 'MD5'
  /** Parts that are neither refused on their way nor too many to be joined. */
  readonly parts: Pick<StoreCapabilities, 'minPartBytes' | 'maxPartBytes' | 'maxParts'>
  /** Parts under way at once, where more are known to end in time-outs. */
  readonly partsAtOnce: number | undefined
  /** After this long a proxy has answered for the server, so that waiting longer tells nothing. */
  readonly attemptMsMax: number | undefined
  /** Listings show folders, or names that were not asked for, so that a short page of theirs may hold nothing of ours. */
  readonly listsMore: boolean
  /** A success is only believed once a HEAD shows the object in its size. */
  readonly looksAfterPut: boolean
  /** How far our clock may be from the server's before it refuses what we sign. */
  readonly clockWindowMs: number
  /** Whether a browser that is given a presigned URL reaches the store. `unknown`: the operator must say so. */
  readonly browsers: 'reach' | 'never' | 'unknown'
  /** What the vendor says so plainly that it need not be tried. */
  readonly known: Partial<StoreCapabilities>
}

/** Proxies in front of R2 and RunPod cut requests at 100 MB; nobody else is slower for it. */
const plain = {
  batchChecksum: 'MD5',
  parts: { minPartBytes: 5 * MiB, maxPartBytes: 95 * MiB, maxParts: 10_000 },
  partsAtOnce: undefined,
  attemptMsMax: undefined,
  listsMore: false,
  looksAfterPut: false,
  clockWindowMs: 15 * 60_000,
  browsers: 'unknown',
  known: {},
} as const

/**
 * One row for each store. What is not here is done for all of them, because it costs nothing where it is not needed:
 * checksums of bodies only where S3 demands them (client), dates in `UTC` (client), `GET bytes=0-0` where HEAD is refused
 * (reading), 400 for absent objects (errors), full stores by status or text (errors), listings that refuse a form, ignore
 * a prefix, show directories or repeat a token (listing), deletes one by one of what a batch left (deleting), and If-Match
 * without quotes where every version in quotes is refused: Ceph before 20, DigitalOcean Spaces (probe).
 * Nothing here copies objects, so that `CopySource`, which the SDK does not encode, is never sent.
 *
 * Not one of them is told here to honour conditions or to keep metadata: that is seen by trying, on every store.
 */
const dialects: Readonly<Record<DialectName, Dialect>> = {
  aws: { ...plain, name: 'aws', batchChecksum: 'CRC32', browsers: 'reach' },
  /**
   * A gateway over a network file system, behind a proxy that gives up near 100 s and refuses bodies of 200 MB. Joining
   * 7,000 parts failed, five at once timed out, and objects were acknowledged that were not there. No presigned URLs, no
   * DeleteObjects (its documentation). 1,000 parts of 95 MiB are 92 GiB.
   */
  runpod: {
    ...plain,
    name: 'runpod',
    parts: { minPartBytes: 16 * MiB, maxPartBytes: 95 * MiB, maxParts: 1000 },
    partsAtOnce: 4,
    attemptMsMax: 110_000,
    listsMore: true,
    looksAfterPut: true,
    clockWindowMs: 60 * 60_000,
    browsers: 'never',
    known: { presign: false, batchDelete: false },
  },
  r2: { ...plain, name: 'r2', batchChecksum: 'CRC32', browsers: 'reach' },
  minio: { ...plain, name: 'minio' },
  ceph: { ...plain, name: 'ceph' },
  b2: { ...plain, name: 'b2', browsers: 'reach' },
  /** Through its interoperability API, which takes either checksum of a batch. */
  gcs: { ...plain, name: 'gcs', batchChecksum: 'CRC32', browsers: 'reach' },
  generic: { ...plain, name: 'generic' },
}

const hosts: readonly (readonly [suffix: string, name: DialectName])[] = [
  ['amazonaws.com', 'aws'],
  ['amazonaws.com.cn', 'aws'],
  ['runpod.io', 'runpod'],
  ['r2.cloudflarestorage.com', 'r2'],
  ['backblazeb2.com', 'b2'],
  ['storage.googleapis.com', 'gcs'],
]

/** The row of `name`. `auto`: by the host of `endpoint`, the origin of the S3 API; without one it is Amazon's. */
export function dialectOf(name: DialectName | 'auto', endpoint: string | undefined): Dialect {
  if (name !== 'auto') return dialects[name]
  if (endpoint === undefined) return dialects.aws
  const { hostname } = new URL(endpoint)
  const known = hosts.find(([suffix]) => hostname === suffix || hostname.endsWith(`.${suffix}`))
  return dialects[known?.[1] ?? 'generic']
}
