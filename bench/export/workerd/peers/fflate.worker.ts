// Its README, streaming: a pass-through for each file, pushed chunk by chunk; the response's pace is waited for.
import { Zip, ZipPassThrough } from 'fflate'
import type { Listed } from '../../peers/bucket.ts'
import { openStream, servePeer } from './serve.ts'

async function write(writer: WritableStreamDefaultWriter<Uint8Array>, listed: readonly Listed[]): Promise<void> {
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    // What becomes of it is told by `ready`.
    writer.write(chunk).catch(() => undefined)
  })
  for (const { key, name } of listed) {
    const file = new ZipPassThrough(name)
    zip.add(file)
    for await (const chunk of await openStream(key)) {
      file.push(chunk)
      await writer.ready
    }
    file.push(new Uint8Array(0), true)
  }
  zip.end()
  await writer.close()
}

export default servePeer((listed) => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  write(writer, listed).catch((error: unknown) => writer.abort(error))
  return new Response(readable, { headers: { 'Content-Type': 'application/zip' } })
})
