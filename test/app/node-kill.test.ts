import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startService, temporaryFolder } from './service-process.ts'

const MiB = 2 ** 20
const rounds = 5
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** What was sent under each key, in order, and how much of it was acknowledged. */
class Sent {
  readonly #sums = new Map<string, string[]>()
  readonly acknowledged = new Map<string, number>()

  add(key: string, bytes: Uint8Array): () => void {
    const sums = this.#sums.get(key) ?? []
    this.#sums.set(key, sums)
    const count = sums.push(sha256(bytes))
    return () => this.acknowledged.set(key, count)
  }

  /** Each that may stand under the key now: the last acknowledged, or one sent after it. */
  possible(key: string): readonly string[] {
    return (this.#sums.get(key) ?? []).slice(Math.max(0, (this.acknowledged.get(key) ?? 0) - 1))
  }
}

/** Puts 4 MiB objects, one after the other, until the service is gone. Every third goes over the same one. */
async function putUntilKilled(url: string, folder: string, sent: Sent): Promise<void> {
  for (let i = 0; ; i++) {
    const key = i % 3 === 2 ? `files/${folder.split('/').at(-1)}/again.bin` : `files/${folder}/${i}.bin`
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
  for (let cursor = ''; ; ) {
    const page = await fetch(`${url}/v1/objects?limit=1000&cursor=${encodeURIComponent(cursor)}`)
    const { objects, nextCursor } = (await page.json()) as {
      objects: { key: string; size: number }[]
      nextCursor: string | null
    }
    for (const { key, size } of objects) sizes.set(key, size)
    if (nextCursor === null) return sizes
    cursor = nextCursor
  }
}

it('a service killed while it takes uploads has every object that it acknowledged, and nothing that is not whole', {
  timeout: 120_000,
}, async () => {
  const dataDir = await temporaryFolder()
  const sent = new Sent()
  for (let round = 0; round < rounds; round++) {
    const service = startService({ DATA_DIR: dataDir })
    const url = await service.url
    const clients = [
      ...['a', 'b', 'c'].map((client) => putUntilKilled(url, `${round}/${client}`, sent)),
      sendFormsUntilKilled(url, `round-${round}`, sent),
    ]
    const before = sent.acknowledged.size
    while (sent.acknowledged.size < before + 3) await sleep(5)
    await sleep(Math.random() * 300)
    service.kill('SIGKILL')
    expect(await service.ended).toBeNull()
    await Promise.all(clients)
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
})
