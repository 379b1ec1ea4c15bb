import { join } from 'node:path'
import { startChild } from '../../servers/child.ts'
import { download, makeExport } from '../export-client.ts'
import { descendants, type Growth, growthDuring } from '../resident-memory.ts'
import { startSparseBucket } from '../sparse-bucket.ts'
import { lengthAndCrc } from './cuts.ts'
import { openWorkspace } from './workspace.ts'

export interface WorkerdFigures extends Growth {
  readonly bytes: number
  readonly seconds: number
}

/** V8 takes what it wants until it thinks of collecting, which is not what a longer download holds. */
const warmUp = { range: `bytes=0-${512 * 2 ** 20}` }

/**
 * One large object of a bucket, exported and downloaded through workerd. Throws unless the bytes and the ETag are those
 * that a Node instance on the same bucket sends.
 */
export async function runWorkerd({ sizeBytes }: { sizeBytes: number }): Promise<WorkerdFigures> {
  const workspace = await openWorkspace()
  try {
    const bucket = await startSparseBucket('files/large/model.safetensors', sizeBytes)
    workspace.keep(() => bucket.s3rver.stop())
    const vars = Object.entries(bucket.env()).flatMap(([name, value]) => ['--var', `${name}:${value}`])
    const worker = await startChild(
      ['scripts/dev-worker.ts', '--port', '0', '--persist-to', join(workspace.folder, 'worker'), ...vars],
      { ready: /Ready on (http\S+)/, readyMs: 60_000 },
    )
    workspace.keep(() => worker.stop())
    const made = await makeExport(worker.caught, [{ prefix: 'files/large/' }])
    const url = `${worker.caught}${new URL(made.url).pathname}`
    await lengthAndCrc(await download(url, warmUp))

    let sent = { bytes: 0, crc: 0 }
    const startedAt = performance.now()
    // Wrangler has one for itself, which passes on what the other sends.
    const growth = await growthDuring(descendants(worker.pid, 'workerd'), async () => {
      sent = await lengthAndCrc(await download(url))
    })
    const seconds = (performance.now() - startedAt) / 1000

    const node = await workspace.startService(bucket.env())
    const nodeUrl = `${node.caught}${new URL(made.url).pathname}`
    const { headers } = await fetch(nodeUrl, { method: 'HEAD' })
    if (headers.get('etag') !== `"${made.etag}"`) throw new Error('Node has another ETag')
    const wanted = await lengthAndCrc(await download(nodeUrl))
    if (sent.bytes !== made.bytes || wanted.bytes !== sent.bytes || wanted.crc !== sent.crc) {
      throw new Error(`workerd sent other bytes: ${JSON.stringify({ sent, wanted, announced: made.bytes })}`)
    }
    return { bytes: sent.bytes, seconds, ...growth }
  } finally {
    await workspace.stop()
  }
}
