import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { FetchHttpHandler } from '@smithy/fetch-http-handler'
import type { StoreClock } from './store-clock.ts'

export interface S3Connection {
  /** The origin of the S3 API, such as `https://s3api-eu-ro-1.runpod.io`. Left out: Amazon's own for the region. */
  readonly endpoint?: string | undefined
  readonly region: string
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  /** `{endpoint}/{bucket}/{key}` instead of a host name per bucket. Default: true. */
  readonly forcePathStyle?: boolean | undefined
  /** Told the date of every answer. */
  readonly storeClock?: Pick<StoreClock, 'saw'> | undefined
}

/**
 * The one way in which this service talks S3, on every runtime: by fetch, one attempt for each call (the retries are
 * `resilience`'s), no redirects, checksums only where S3 demands them. One client may serve a whole process or isolate.
 */
export function createS3Client(connection: S3Connection): S3Client {
  const { endpoint, region, credentials, forcePathStyle = true, storeClock } = connection
  return new S3Client({
    region,
    credentials,
    forcePathStyle,
    ...(endpoint !== undefined && { endpoint }),
    maxAttempts: 1,
    followRegionRedirects: false,
    // On by default from 2 MiB; Node's fetch refuses to send it, and servers that ignore it cost seconds a part.
    expectContinueHeader: false,
    // The default adds trailers that s3rver and Ceph 18 store as content, and puts the CRC of nothing into presigned PUTs.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: createRequestHandler(storeClock),
  })
}

function createRequestHandler(storeClock: S3Connection['storeClock']): NonNullable<S3ClientConfig['requestHandler']> {
  // Signed requests must not follow a server to somewhere else.
  const requestInit = (): RequestInit => ({ redirect: 'manual' })
  const handler = new FetchHttpHandler({ requestInit })
  return {
    metadata: { handlerProtocol: 'h1' },
    async handle(...[request, options]: Parameters<FetchHttpHandler['handle']>) {
      // Otherwise fetch asks for compression; a proxy that compresses also takes the length away.
      request.headers['accept-encoding'] ??= 'identity'
      const { abortSignal } = options ?? {}
      // The signal once more: the Request that the handler makes follows it weakly, on Node. Once that is collected nobody
      // ends the fetch any more, and a store that does not answer keeps the connection for ever.
      const signal = abortSignal instanceof AbortSignal ? { signal: abortSignal } : {}
      const fetching = new FetchHttpHandler({ requestInit, customFetch: (made) => fetch(made, signal) })
      const answer = await fetching.handle(request, options)
      const { headers } = answer.response
      storeClock?.saw(headers.date)
      const lastModified = headers['last-modified']
      // RunPod is reported to send `… UTC`, with which the SDK fails every read of an object that exists.
      if (lastModified?.endsWith(' UTC')) headers['last-modified'] = `${lastModified.slice(0, -3)}GMT`
      return answer
    },
    destroy: () => handler.destroy(),
    updateHttpClientConfig: (...[key, value]: Parameters<FetchHttpHandler['updateHttpClientConfig']>) =>
      handler.updateHttpClientConfig(key, value),
    httpHandlerConfigs: () => handler.httpHandlerConfigs(),
  }
}
