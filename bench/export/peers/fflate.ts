// Its README, streaming: a pass-through for each file, pushed chunk by chunk; the response's pace is waited for.
import { once } from 'node:events'
import { Zip, ZipPassThrough } from 'fflate'
import { openBody } from './bucket.ts'
import { serveOnNode } from './serve.ts'

serveOnNode(async (response, listed) => {
  let hasRoom = true
  const zip = new Zip((error, chunk, final) => {
    if (error) response.destroy(error)
    else hasRoom = response.write(chunk)
    if (final) response.end()
  })
  for (const { key, name } of listed) {
    const file = new ZipPassThrough(name)
    zip.add(file)
    for await (const chunk of await openBody(key)) {
      file.push(chunk as Uint8Array)
      if (!hasRoom) await once(response, 'drain')
    }
    file.push(new Uint8Array(0), true)
  }
  zip.end()
})
