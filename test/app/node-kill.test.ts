import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startService } from './started-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const MiB = 2 ** 20
const rounds = 5
const clients = ['a', 'b', 'c']
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

interface Sent {
  /** The keys of which at least one version was acknowledged. */
  readonly acknowledged: ReadonlyMap<string, number>
  /** Notes a version that is about to be sent; what it returns is called when that is acknowledged. */
  add(key: string, bytes: Uint8Array): () => void
  /** The SHA-256 of every version that may stand there now: the last acknowledged one, and those sent after it. */
  possible(key: string): readonly string[]
}

function createSent(): Sent {
  const sums = new Map<string, string[]>()
  const acknowledged = new Map<string, number>()
  return {
    acknowledged,
    add(key, bytes) {
      const versions = sums.get(key) ?? []
      sums.set(key, versions)
      const count = versions.push(sha256(bytes))
      return () => acknowledged.set(key, count)
    },
    possible: (key) => (sums.get(key) ?? []).slice(Math.max(0, (acknowledged.get(key) ?? 0) - 1)),
  }
}

/** Puts 4 MiB objects, one after the other, until the service is gone. Every third goes over the same one. */
async function putUntilKilled(url: string, client: string, round: number, sent: Sent): Promise<void> {
  for (let i = 0; ; i++) {
    const key = i % 3 === 2 ? `files/${client}/again.bin` : `files/${client}/${round}-${i}.bin`
    const bytes = randomBytes(4 * MiB)
    const acknowledge = sent.add(key, bytes)
    const answer = await fetch(`${url}/v1/objects/${key}`, { method: 'PUT', body: bytes }).catch(() => undefined)
    if (answer === undefined) return
    expect(answer.ok).toBe(true)
    acknowledge()
    // The status is the acknowledgement; that the rest of the answer is lost changes nothing.
    await answer.arrayBuffer().catch(() => {})
  }
}

/** Sends forms of 20 captions, until the service is gone. */
async function sendFormsUntilKilled(url: string, dataset: string, sent: Sent): Promise<void> {
  for (let i = 0; ; i++) {
    const form = new FormData()
    form.set('triggerWord', 'ohwx')
    const acknowledgements = Array.from({ length: 20 }, (_, file) => {
      const bytes = Buffer.from(`ohwx, ${randomBytes(16).toString('hex')}\n`.repeat(50))
      const name = `${i}-${file}.txt`
      form.append('files', new File([bytes], name))
      return sent.add(`dataset/${dataset}/${name}`, bytes)
    })
    const answer = await fetch(`${url}/v1/datasets/${dataset}/files`, { method: 'POST', body: form }).catch(() => {})
    const report = (await answer?.json().catch(() => {})) as { totals: { stored: number } } | undefined
    if (answer === undefined || report === undefined) return
    expect([answer.status, report.totals.stored]).toEqual([200, acknowledgements.length])
    for (const acknowledge of acknowledgements) acknowledge()
  }
}

async function listed(url: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  const query = new URLSearchParams({ limit: '1000' })
  for (;;) {
    const page = await fetch(`${url}/v1/objects?${query}`)
    const { objects, nextCursor } = (await page.json()) as {
      objects: { key: string; size: number }[]
      nextCursor: string | null
    }
    for (const { key, size } of objects) sizes.set(key, size)
    if (nextCursor === null) return sizes
    query.set('cursor', nextCursor)
  }
}

it('a service killed while it takes uploads has every object that it acknowledged, and nothing that is not whole', {
  timeout: 120_000,
}, async () => {
  const dataDir = await temporaryFolder()
  const sent = createSent()
  for (let round = 0; round < rounds; round++) {
    const service = startService({ DATA_DIR: dataDir })
    const url = await service.url
    const sending = [
      ...clients.map((client) => putUntilKilled(url, client, round, sent)),
      sendFormsUntilKilled(url, `round-${round}`, sent),
    ]
    const before = sent.acknowledged.size
    while (sent.acknowledged.size < before + 3) await sleep(5)
    await sleep(Math.random() * 300)
    service.kill('SIGKILL')
    expect(await service.ended).toBeNull()
    await Promise.all(sending)
  }

  const url = await startService({ DATA_DIR: dataDir }).url
  const sizes = await listed(url)
  expect([...sizes.keys()]).toEqual(expect.arrayContaining([...sent.acknowledged.keys()]))
  for (const [key, size] of sizes) {
    const answer = await fetch(`${url}/v1/objects/${key}`)
    const bytes = new Uint8Array(await answer.arrayBuffer())
    expect([key, answer.status, bytes.byteLength]).toEqual([key, 200, size])
    // A key that nobody sent, such as that of a temporary file, has nothing possible.
    expect(sent.possible(key), key).toContain(sha256(bytes))
  }

  // What held a lock is dead, and its locks are free.
  for (const client of clients) {
    const over = await fetch(`${url}/v1/objects/files/${client}/again.bin`, { method: 'PUT', body: 'over' })
    expect(over.ok).toBe(true)
  }
})
