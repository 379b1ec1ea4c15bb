// As its documentation and most answers about S3 have it: append each object's body, then finalize.
import { ZipArchive } from 'archiver'
import { openBody } from './bucket.ts'
import { serveOnNode } from './serve.ts'

serveOnNode(async (response, listed) => {
  const archive = new ZipArchive({ store: true })
  archive.on('error', (error) => response.destroy(error))
  archive.pipe(response)
  for (const { key, name } of listed) archive.append(await openBody(key), { name })
  await archive.finalize()
})
