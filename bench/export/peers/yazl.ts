// Its README: lazy streams. No Content-Length: the one that it computes is 76 bytes too long as soon as the central directory
// has 64 KiB, as that of 5,000 files has, for it counts ZIP64 records then that it does not write.
import { ZipFile } from 'yazl'
import { openBody } from './bucket.ts'
import { serveOnNode } from './serve.ts'

serveOnNode(async (response, listed) => {
  const zip = new ZipFile()
  zip.on('error', (error) => response.destroy(error as Error))
  zip.outputStream.pipe(response)
  for (const { key, name } of listed) {
    zip.addReadStreamLazy(name, { compress: false }, (opened) => {
      openBody(key).then(
        (body) => opened(null, body),
        (error: unknown) => zip.emit('error', error),
      )
    })
  }
  zip.end()
})
