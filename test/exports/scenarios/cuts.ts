import { crc32 } from 'node:zlib'
import { startFaultProxy } from '../../faults/tcp-proxy.ts'
import { download, makeExport } from '../export-client.ts'
import { startSparseBucket } from '../sparse-bucket.ts'
import { openWorkspace } from './workspace.ts'

export interface CutFigures {
  readonly bytes: number
  /** Reads of the store that the download took. */
  readonly reads: number
  readonly seconds: number
}

/** A download whose store cuts every read after `everyBytes`. Throws unless it is byte-equal to one that nothing disturbs. */
export async function runCuts({
  sizeBytes,
  everyBytes,
}: {
  sizeBytes: number
  everyBytes: number
}): Promise<CutFigures> {
  const workspace = await openWorkspace()
  try {
    const bucket = await startSparseBucket('files/large/model.safetensors', sizeBytes)
    workspace.keep(() => bucket.s3rver.stop())
    const proxy = await startFaultProxy({ target: `${bucket.s3rver.connection.endpoint}`, seed: 1 })
    workspace.keep(() => proxy.stop())
    const { caught: origin } = await workspace.startService(bucket.env(proxy.origin))
    const made = await makeExport(origin, [{ prefix: 'files/large/' }])
    const undisturbed = await lengthAndCrc(await download(made.url))

    proxy.add(
      { direction: 'down', operation: 'GetObject', which: 'every' },
      { toxic: 'reset', at: { body: everyBytes } },
    )
    const asked = proxy.exchanges.length
    const startedAt = performance.now()
    const cut = await lengthAndCrc(await download(made.url))
    const seconds = (performance.now() - startedAt) / 1000
    if (cut.bytes !== made.bytes || `${cut.crc}` !== `${undisturbed.crc}`) throw new Error('the bytes differ')
    const reads = proxy.exchanges.slice(asked).filter(({ target }) => target.includes('model.safetensors')).length
    return { bytes: cut.bytes, reads, seconds }
  } finally {
    await workspace.stop()
  }
}

export async function lengthAndCrc(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: number; crc: number }> {
  let bytes = 0
  let crc = 0
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    crc = crc32(chunk, crc)
  }
  return { bytes, crc }
}
