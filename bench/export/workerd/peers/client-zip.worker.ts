// Its README: an async generator that opens lazily, and metadata for the length.
import { downloadZip } from 'client-zip'
import type { Listed } from '../../peers/bucket.ts'
import { openStream, servePeer } from './serve.ts'

async function* inputs(listed: readonly Listed[]) {
  for (const { key, name } of listed) yield { name, input: await openStream(key) }
}

export default servePeer((listed) =>
  downloadZip(inputs(listed), { metadata: listed.map(({ name, sizeBytes }) => ({ name, size: sizeBytes })) }),
)
