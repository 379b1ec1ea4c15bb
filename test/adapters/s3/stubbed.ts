import type { IncomingMessage, ServerResponse } from 'node:http'
import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import type { ObjectStore, StoreCapabilities } from '../../../src/ports/object-store.ts'
import { everythingOfS3 } from '../../contract/capabilities.ts'
import { type HttpStub, startHttpStub } from '../../servers/http-stub.ts'

export interface Scripted {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

export const everything: StoreCapabilities = { ...everythingOfS3, minPartBytes: 1, maxPartBytes: 2 ** 30 }

export const errorXml = (code: string, message = 'x') =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`

export function storeAt(endpoint: string, known: Partial<StoreCapabilities> = everything): ObjectStore {
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials })
  return createS3ObjectStore({ client, bucket: 'bucket', prefix: 'prefix', ids: createIds(), known })
}

/** A store whose server gives these answers, one after the other, and the last one for ever. */
export async function scriptedStore(answers: readonly Scripted[]): Promise<{ store: ObjectStore; stub: HttpStub }> {
  let next = 0
  const stub = await startHttpStub((_request: IncomingMessage, response: ServerResponse) => {
    const answer = answers[Math.min(next, answers.length - 1)]
    next += 1
    response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body)
  })
  return { store: storeAt(stub.origin), stub }
}
