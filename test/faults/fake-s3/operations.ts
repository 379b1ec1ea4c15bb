import { type Answer, emptyAnswer } from './answer.ts'
import { objectAttributes } from './attributes.ts'
import type { BucketState } from './bucket-state.ts'
import { preflight } from './cors.ts'
import { listObjects, listUploads } from './listing.ts'
import { deleteObject, deleteObjects, type ObjectRequest, putObject, readObject } from './objects.ts'
import type { Operation, S3Request } from './request.ts'
import { notImplemented, S3Error } from './s3-error.ts'
import { type Account, checkSignature } from './signature.ts'
import { abortUpload, completeUpload, createUpload, listParts, uploadPart } from './uploads.ts'

type Operate<Request> = (request: Request, state: BucketState) => Answer

const onBucket: Partial<Record<Operation, Operate<S3Request>>> = {
  HeadBucket: (_, { quirks }) => emptyAnswer(200, { 'x-amz-bucket-region': quirks.region }),
  ListObjectsV2: listObjects,
  ListMultipartUploads: listUploads,
  DeleteObjects: deleteObjects,
}
const onObject: Partial<Record<Operation, Operate<ObjectRequest>>> = {
  PutObject: putObject,
  GetObject: readObject,
  HeadObject: readObject,
  GetObjectAttributes: objectAttributes,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
  ListParts: listParts,
}
const keyBytesMax = 1024

/** Checks who asks, and does it: all at once, so that no other request sees a half. Throws `S3Error` for every refusal. */
export function operate(request: S3Request, state: BucketState, account: Account): Answer {
  const { operation, key, bucket } = request
  const { quirks } = state
  if (operation === 'Preflight') return preflight(request, quirks.cors)
  checkSignature(request, { account, nowMs: state.nowMs(), ...quirks })
  if (bucket !== '' && bucket !== state.name) {
    throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', { details: { BucketName: bucket } })
  }
  if (key === undefined) {
    const run = onBucket[operation]
    if (run === undefined) throw notImplemented(`${request.method} of the bucket`)
    return run(request, state)
  }
  if (request.method === 'PUT' && request.headers['content-length'] === undefined) {
    throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
  }
  if (Buffer.byteLength(key) > keyBytesMax) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long')
  const run = onObject[operation]
  if (run === undefined) throw notImplemented(`${request.method} of an object`)
  return run({ ...request, key }, state)
}
