// Its README, "Hello world with Streams": a TransformStream between the writer and the Response.
import { Readable } from 'node:stream'
import { ZipWriter } from '@zip.js/zip.js'
import { type Listed, openBody } from './bucket.ts'
import { serveOnHono } from './serve.ts'

async function write(writable: WritableStream, listed: readonly Listed[]): Promise<void> {
  const writer = new ZipWriter(writable, { level: 0 })
  for (const { key, name } of listed) await writer.add(name, Readable.toWeb(await openBody(key)) as ReadableStream)
  await writer.close()
}

serveOnHono((listed) => {
  const { readable, writable } = new TransformStream()
  write(writable, listed).catch((error: unknown) => writable.abort(error))
  return new Response(readable, { headers: { 'Content-Type': 'application/zip' } })
})
