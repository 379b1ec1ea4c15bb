// No zip, but so many small objects asked for ahead of their turn, as the service does on Workers.
import { workersReadAhead } from '../../../../src/domain/export/read-ahead.ts'
import type { Listed } from '../../peers/bucket.ts'
import { bytesAlone, openStream, servePeer } from './serve.ts'

async function wholeBody({ key }: Listed): Promise<Uint8Array> {
  return new Response(await openStream(key)).bytes()
}

export default servePeer((listed) =>
  bytesAlone(listed, async (writable) => {
    const writer = writable.getWriter()
    const rest = listed.values()
    const ahead = rest.take(workersReadAhead.objects).map(wholeBody).toArray()
    for (let body = ahead.shift(); body !== undefined; body = ahead.shift()) {
      await writer.write(await body)
      const { value } = rest.next()
      if (value !== undefined) ahead.push(wholeBody(value))
    }
    await writer.close()
  }),
)
