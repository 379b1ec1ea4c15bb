// No zip: the same bodies, one after another, piped into the response. What the SDK and HTTP cost alone.
import { once } from 'node:events'
import { openBody } from './bucket.ts'
import { serveOnNode } from './serve.ts'

serveOnNode(async (response, listed) => {
  response.setHeader(
    'Content-Length',
    listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  )
  for (const { key } of listed) {
    const body = await openBody(key)
    body.pipe(response, { end: false })
    await once(body, 'end')
  }
  response.end()
})
