import type { Cors } from './cors.ts'

export type ProfileName = 'aws' | 'runpod' | 'r2' | 'minio' | 'ceph' | 'b2' | 'gcs' | 'generic'

/**
 * In what a server differs from Amazon. "row n" is a row of the table of RunPod's quirks, and "other stores" the table
 * below it, in §3 of our notes on reliability; "measured" refers to our measurements of Ceph.
 */
export interface Quirks {
  readonly region: string
  /** Amazon refuses a signature for another region with 400; Ceph and most others take any (measured). */
  readonly regionChecked: boolean
  /** Row 3: RunPod knows no signed URLs, 401 `missing Authorization header`. */
  readonly presigned: boolean
  /** Row 27: one hour at RunPod. Amazon: 15 minutes. */
  readonly clockWindowMs: number
  /** Row 5, other stores (B2, GCS): accepted and not looked at. */
  readonly conditionalPut: 'honoured' | 'ignored'
  readonly conditionalComplete: 'honoured' | 'ignored'
  readonly conditionalDelete: 'honoured' | 'ignored'
  /** Ceph 16 and 18 compare with the quotes, so that a quoted If-Match is never right (measured). */
  readonly quotedIfMatch: 'accepted' | 'never-matches'
  /** PUT with If-Match where nothing is: 404 at Amazon, 412 at Ceph 16 and 18 (measured). */
  readonly ifMatchOnAbsent: 404 | 412
  /** Row 4 (none at RunPod); other stores: old MinIO insists on Content-MD5, GCS takes MD5 or CRC32. */
  readonly deleteObjects: 'md5-or-checksum' | 'md5' | 'unsupported'
  /** Other stores: B2 refuses them with 400. Ceph 16 and 18 do not look at them (measured). */
  readonly checksumHeaders: 'verified' | 'ignored' | 'refused'
  /** Row 21: RunPod keeps neither metadata nor content type. */
  readonly objectMetadata: boolean
  /** Row 20: RunPod says 400 InvalidArgument "object not found" to GET and HEAD. */
  readonly absent: 'NoSuchKey' | 'InvalidArgument'
  /** Row 18: every n-th HEAD of an object that exists is 403. 0: none. */
  readonly headDeniedEvery: number
  /** Row 19. */
  readonly lastModifiedZone: 'GMT' | 'UTC'
  /** Row 17. */
  readonly xmlNamespace: boolean
  /** Row 17: folders are listed as empty objects whose keys end in `/`. */
  readonly listsFolders: boolean
  /** Row 12: parts of open uploads are listed below `.s3compat_uploads/`. */
  readonly listsPartFiles: boolean
  /** Row 16, one half of two reports that contradict each other. */
  readonly listPrefix: 'honoured' | 'ignored-without-delimiter'
  /** Row 16, the other half: what a listing may not carry, else 400 "Invalid object path". */
  readonly listRefuses: readonly ('encoding-type' | 'delimiter' | 'trailing-slash')[]
  /** Row 15: the first time that a listing is continued, its second page is empty and names the same token again. */
  readonly repeatsFirstToken: boolean
  /** Other stores (R2): all parts but the last have one length and the last has no more, or Complete is InvalidPart. */
  readonly equalParts: boolean
  /** Parts but the last are at least this long, or Complete is EntityTooSmall. */
  readonly minPartBytes: number
  /** Row 7: above this Complete fails with InvalidPart "part missing". */
  readonly completablePartsMax: number
  /** Ceph, all versions, takes parts in any order (measured). */
  readonly partOrderChecked: boolean
  /** Row 9: every n-th Complete is answered with 524 at once, and lands later. A repetition meanwhile is 524 too. */
  readonly completeGoesOn: { readonly every: number; readonly mergeMs: number } | undefined
  /** Amazon answers a repeated Complete like the first. */
  readonly completeTwice: 'same-answer' | 'NoSuchUpload'
  /** Ceph, all versions: 500 "already in progress" (measured). */
  readonly completeAfterAbort: 'NoSuchUpload' | 'InternalError'
  /** Ceph 16 leaves the ETag of what it completed empty (measured). */
  readonly completeNamesEtag: boolean
  /** Row 10: how often ListParts still shows the parts of an upload that is complete. */
  readonly stalePartLists: number
  /** What ListParts says to an upload that is not there; Ceph: NoSuchKey (measured). */
  readonly listPartsOfUnknown: 'NoSuchUpload' | 'NoSuchKey'
  /** Row 6: proxies cut at 100 MB, 413. For the others a limit that keeps a test's memory small. */
  readonly bodyBytesMax: number
  /** Row 13: bytes of objects and parts together; above it 507. */
  readonly capacityBytes: number
  /** Other stores (R2): 1 write a second for each key, else 429. */
  readonly writesPerSecond: number
  /** What the bucket's CORS configuration says. `undefined`: there is none, as in a new bucket. */
  readonly cors: Cors | undefined
}

const MiB = 2 ** 20

const aws: Quirks = {
  region: 'us-east-1',
  regionChecked: true,
  presigned: true,
  clockWindowMs: 15 * 60_000,
  conditionalPut: 'honoured',
  conditionalComplete: 'honoured',
  conditionalDelete: 'honoured',
  quotedIfMatch: 'accepted',
  ifMatchOnAbsent: 404,
  deleteObjects: 'md5-or-checksum',
  checksumHeaders: 'verified',
  objectMetadata: true,
  absent: 'NoSuchKey',
  headDeniedEvery: 0,
  lastModifiedZone: 'GMT',
  xmlNamespace: true,
  listsFolders: false,
  listsPartFiles: false,
  listPrefix: 'honoured',
  listRefuses: [],
  repeatsFirstToken: false,
  equalParts: false,
  minPartBytes: 5 * MiB,
  completablePartsMax: 10_000,
  partOrderChecked: true,
  completeGoesOn: undefined,
  completeTwice: 'same-answer',
  completeAfterAbort: 'NoSuchUpload',
  completeNamesEtag: true,
  stalePartLists: 0,
  listPartsOfUnknown: 'NoSuchUpload',
  bodyBytesMax: 512 * MiB,
  capacityBytes: Number.POSITIVE_INFINITY,
  writesPerSecond: Number.POSITIVE_INFINITY,
  cors: undefined,
}

const noConditions = {
  conditionalPut: 'ignored',
  conditionalComplete: 'ignored',
  conditionalDelete: 'ignored',
} as const

export const profiles: Readonly<Record<ProfileName, Quirks>> = {
  aws,
  generic: { ...aws, regionChecked: false, completeTwice: 'NoSuchUpload' },
  runpod: {
    ...aws,
    ...noConditions,
    region: 'EU-RO-1',
    presigned: false,
    clockWindowMs: 60 * 60_000,
    deleteObjects: 'unsupported',
    objectMetadata: false,
    absent: 'InvalidArgument',
    headDeniedEvery: 5,
    lastModifiedZone: 'UTC',
    xmlNamespace: false,
    listsFolders: true,
    listsPartFiles: true,
    listPrefix: 'ignored-without-delimiter',
    repeatsFirstToken: true,
    completablePartsMax: 1000,
    completeGoesOn: { every: 2, mergeMs: 50 },
    completeTwice: 'NoSuchUpload',
    stalePartLists: 1,
    bodyBytesMax: 100_000_000,
  },
  // Its documentation of conditional operations does not name DeleteObject.
  r2: {
    ...aws,
    region: 'auto',
    conditionalDelete: 'ignored',
    ifMatchOnAbsent: 412,
    equalParts: true,
    completeTwice: 'NoSuchUpload',
  },
  // It refuses `x-amz-checksum-*` for every call, so Content-MD5 is the only way left to satisfy DeleteObjects.
  b2: {
    ...aws,
    ...noConditions,
    region: 'us-west-004',
    deleteObjects: 'md5',
    checksumHeaders: 'refused',
    completeTwice: 'NoSuchUpload',
  },
  gcs: { ...aws, ...noConditions, region: 'auto', regionChecked: false, completeTwice: 'NoSuchUpload' },
  minio: { ...aws, conditionalDelete: 'ignored', deleteObjects: 'md5', completeTwice: 'NoSuchUpload' },
  ceph: {
    ...aws,
    regionChecked: false,
    conditionalComplete: 'ignored',
    conditionalDelete: 'ignored',
    quotedIfMatch: 'never-matches',
    ifMatchOnAbsent: 412,
    checksumHeaders: 'ignored',
    partOrderChecked: false,
    completeAfterAbort: 'InternalError',
    listPartsOfUnknown: 'NoSuchKey',
  },
}
