import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, ask, askJson } from '../matrix/http-client.ts'
import { type Rig, startRig } from '../matrix/rig.ts'
import { socketsLeftOf } from './sockets-left.ts'

export interface CutFigures {
  readonly downloads: number
  /** At the store's side, which the service mends. */
  readonly cuts: number
  /** At the client's side, which the client mends: by the range of what he lacks. */
  readonly resumptions: number
  /**
   * Answers that said, before a byte of the file, that the store is away: a small piece is read whole first, or a circuit is
   * open. The client asks again when he is told to.
   */
  readonly refusals: number
  /** Answers that ended well and lacked something: there must be none. */
  readonly cleanShortBodies: number
  /** Whole files with another byte in them: there must be none. */
  readonly wrongBodies: number
  /** Downloads that the service gave up: nobody took them for whole. */
  readonly broken: number
  readonly byteEqual: number
  /** Connections to the store that were left: there must be none. */
  readonly socketsLeft: number
}

const objectBytes = 3 * 2 ** 20
const cutsEach = 10
const resumptionsEach = 3
const answersMax = 20
const storeAway = 503

interface File {
  readonly url: string
  readonly bytes: Buffer
}

/** An object by its key, by a link of ours, and an archive. */
async function prepare(rig: Rig): Promise<[File, File, File]> {
  const body = Buffer.from(rig.random.bytes(objectBytes))
  const url = `${rig.origin}/v1/objects/files/cut.bin`
  const stored = await ask(url, { method: 'PUT', body })
  const linked = await askJson(`${rig.origin}/v1/links`, 'POST', { keys: ['files/cut.bin'] })
  const archived = await askJson(`${rig.origin}/v1/exports`, 'POST', { include: [{ key: 'files/cut.bin' }] })
  if (stored.status !== 201 || archived.status !== 201) throw new Error('preparing failed')
  const [link] = linked.json.links as { url: string }[]
  const zipUrl = `${archived.json.url}`
  return [
    { url, bytes: body },
    { url: link?.url ?? '', bytes: body },
    { url: zipUrl, bytes: (await ask(zipUrl)).body },
  ]
}

/** What a client that is cut off at `cutAt` bytes has of the answer. */
const askUntil = (url: string, headers: Record<string, string>, cutAt: number): Promise<Answer> =>
  ask(url, {
    headers,
    made: (request) =>
      request.once('response', (response) => {
        let seenBytes = 0
        response.on('data', (piece: Buffer) => {
          seenBytes += piece.byteLength
          if (seenBytes >= cutAt) request.destroy()
        })
      }),
  })

/**
 * Downloads through the service, each of which the store cuts ten times at random places, in one way or another, and the
 * client up to three times. He asks for what he lacks, of the version that he has the beginning of.
 */
export async function runCuts({ cuts, seed }: { readonly cuts: number; readonly seed: number }): Promise<CutFigures> {
  // So that links are ours.
  const rig = await startRig({ profile: 'generic', seed })
  const { fake, random } = rig
  try {
    const files = await prepare(rig)
    const none = { cleanShortBodies: 0, wrongBodies: 0, broken: 0 }
    const seen = { downloads: 0, cuts: 0, resumptions: 0, refusals: 0, byteEqual: 0, ...none }
    while (seen.cuts < cuts) {
      const { url, bytes } = random.pick(files)
      const asked = Math.min(cutsEach, cuts - seen.cuts)
      const takeBack = Array.from({ length: asked }, (_, i) =>
        fake.inject('GetObject', i + 1, {
          body: {
            cutAt: { share: random.fraction() },
            how: random.pick(['reset', 'close']),
            ...(random.fraction() < 0.2 && { lengthless: true }),
          },
        }),
      )
      const before = fake.requests.length
      let [file, etag, leaves] = [Buffer.alloc(0), '', random.integer(0, resumptionsEach)]
      seen.downloads += 1
      for (let answers = 0; answers < answersMax && file.byteLength < bytes.byteLength; answers++) {
        const left = bytes.byteLength - file.byteLength
        const range = { range: `bytes=${file.byteLength}-`, 'if-range': etag }
        const cutAt = leaves > 0 ? random.integer(1, left) : Number.POSITIVE_INFINITY
        if (answers > 0) seen.resumptions += 1
        leaves -= 1
        const { status, headers, body, ending } = await askUntil(url, file.byteLength > 0 ? range : {}, cutAt)
        if (ending === 'clean' && status < 300 && body.byteLength < left) seen.cleanShortBodies += 1
        // He has left, or the service gave up.
        if (ending !== 'clean' && cutAt === Number.POSITIVE_INFINITY) seen.broken += 1
        if (status === storeAway) {
          seen.refusals += 1
          await pause(Number(headers['retry-after'] ?? 1) * 1_000)
          continue
        }
        if (status >= 300) break
        etag = headers.etag ?? etag
        file = Buffer.concat([status === 206 ? file : Buffer.alloc(0), body])
      }
      for (const take of takeBack) take()
      seen.cuts += fake.requests
        .slice(before)
        .filter(({ operation, fault }) => operation === 'GetObject' && fault !== undefined).length
      if (file.equals(bytes)) seen.byteEqual += 1
      else seen.wrongBodies += 1
    }
    return { ...seen, socketsLeft: await socketsLeftOf(rig) }
  } finally {
    await rig.stop()
  }
}
