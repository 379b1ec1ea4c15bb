import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { StoreUnavailable } from '../../ports/errors.ts'
import { at } from './bucket.ts'
import { storeError } from './errors.ts'
import type { Trial } from './probe-trial.ts'

const linkSeconds = 60

/** Whether a URL alone opens the anchor, as it must for a browser. */
export async function signedUrlFault({ bucket, anchor, signal }: Trial): Promise<string | undefined> {
  const url = await getSignedUrl(bucket.client, new GetObjectCommand(at(bucket, anchor)), { expiresIn: linkSeconds })
  const answer = await fetch(url, { signal, redirect: 'manual' }).catch((error: unknown) => {
    throw storeError(error, signal)
  })
  await answer.body?.cancel()
  if (answer.status >= 500) throw new StoreUnavailable(`the store answered ${answer.status}`)
  return answer.status === 200 ? undefined : `answers ${answer.status} to a signed URL`
}
