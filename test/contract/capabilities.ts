import type { StoreCapabilities } from '../../src/ports/object-store.ts'

/** Everything that S3 promises, with the parts that proxies let through. What a server lacks is said beside it. */
export const everythingOfS3: StoreCapabilities = {
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
}

/** Of s3rver, which ignores conditions and knows neither ListParts nor AbortMultipartUpload. */
export const s3rverCapabilities: StoreCapabilities = {
  ...everythingOfS3,
  conditionalPut: 'none',
  conditionalComplete: 'none',
  conditionalDelete: 'none',
  listParts: false,
  abortMultipart: false,
}

/** Of the memory store: the whole port, parts of any size, and no URLs. */
export const memoryCapabilities: StoreCapabilities = {
  ...everythingOfS3,
  presign: false,
  minPartBytes: 1,
  maxPartBytes: 2 ** 30,
}
