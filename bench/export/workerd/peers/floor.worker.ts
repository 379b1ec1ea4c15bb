// No zip: the same bodies, one after another, piped into the response by the runtime. What the SDK and HTTP cost alone.
import { bytesAlone, openStream, servePeer } from './serve.ts'

export default servePeer((listed) =>
  bytesAlone(listed, async (writable) => {
    for (const { key } of listed) await (await openStream(key)).pipeTo(writable, { preventClose: true })
    await writable.close()
  }),
)
