// Its README, "Hello world with Streams": a TransformStream between the writer and the Response.
import { ZipWriter } from '@zip.js/zip.js'
import type { Listed } from '../../peers/bucket.ts'
import { openStream, servePeer } from './serve.ts'

async function write(writable: WritableStream, listed: readonly Listed[]): Promise<void> {
  const writer = new ZipWriter(writable, { level: 0 })
  for (const { key, name } of listed) await writer.add(name, await openStream(key))
  await writer.close()
}

export default servePeer((listed) => {
  const { readable, writable } = new TransformStream()
  write(writable, listed).catch((error: unknown) => writable.abort(error))
  return new Response(readable, { headers: { 'Content-Type': 'application/zip' } })
})
