// No zip, but so many small objects asked for ahead of their turn, as the service does.
import { once } from 'node:events'
import { networkReadAhead } from '../../../src/domain/export/read-ahead.ts'
import { type Listed, openBody } from './bucket.ts'
import { serveOnNode } from './serve.ts'

async function wholeBody({ key }: Listed): Promise<Buffer> {
  return Buffer.concat(await (await openBody(key)).toArray())
}

serveOnNode(async (response, listed) => {
  response.setHeader(
    'Content-Length',
    listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  )
  const rest = listed.values()
  const ahead: Promise<Buffer>[] = rest.take(networkReadAhead.objects).map(wholeBody).toArray()
  for (let body = ahead.shift(); body !== undefined; body = ahead.shift()) {
    if (!response.write(await body)) await once(response, 'drain')
    const { value } = rest.next()
    if (value !== undefined) ahead.push(wholeBody(value))
  }
  response.end()
})
