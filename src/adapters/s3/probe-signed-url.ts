import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { at } from './bucket.ts'
import { storeError } from './errors.ts'
import type { Trial } from './probe-trial.ts'

const linkSeconds = 60

/** Whether a URL alone opens the anchor, as it must for a browser. */
export async function servesSignedUrls({ bucket, anchor, signal }: Trial): Promise<boolean> {
  const url = await getSignedUrl(bucket.client, new GetObjectCommand(at(bucket, anchor)), { expiresIn: linkSeconds })
  try {
    const answer = await fetch(url, { signal, redirect: 'manual' })
    await answer.body?.cancel()
    return answer.status === 200
  } catch (error) {
    throw storeError(error, signal)
  }
}
