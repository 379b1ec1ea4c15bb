import { ask } from '../matrix/http-client.ts'
import { startRig } from '../matrix/rig.ts'

export interface CutFigures {
  readonly downloads: number
  readonly cuts: number
  /** Answers that ended well and lacked something: there must be none. */
  readonly cleanShortBodies: number
  /** Whole answers with another byte in them: there must be none. */
  readonly wrongBodies: number
  /** Downloads that broke: nobody took them for whole. */
  readonly broken: number
  readonly byteEqual: number
}

const objectBytes = 3 * 2 ** 20
const cutsEach = 10

/** Downloads through the service, each of which the store cuts ten times at random places, in one way or another. */
export async function runCuts({ cuts, seed }: { readonly cuts: number; readonly seed: number }): Promise<CutFigures> {
  const rig = await startRig({ profile: 'aws', seed })
  try {
    const body = rig.random.bytes(objectBytes)
    const url = `${rig.origin}/v1/objects/files/cut.bin`
    const stored = await ask(url, { method: 'PUT', body })
    if (stored.status !== 201) throw new Error(`the object was not stored: ${stored.status}`)
    const seen = { downloads: 0, cuts: 0, cleanShortBodies: 0, wrongBodies: 0, broken: 0, byteEqual: 0 }
    while (seen.cuts < cuts) {
      const asked = Math.min(cutsEach, cuts - seen.cuts)
      const takeBack = Array.from({ length: asked }, (_, i) =>
        rig.fake.inject('GetObject', i + 1, {
          body: {
            cutAt: { share: rig.random.fraction() },
            how: rig.random.pick(['reset', 'close']),
            ...(rig.random.fraction() < 0.2 && { lengthless: true }),
          },
        }),
      )
      const before = rig.fake.count('GetObject')
      const answer = await ask(url)
      for (const take of takeBack) take()
      seen.downloads += 1
      seen.cuts += Math.min(asked, rig.fake.count('GetObject') - before)
      const isWhole = answer.body.equals(Buffer.from(body))
      if (answer.ending !== 'clean' || answer.status !== 200) seen.broken += 1
      else if (isWhole) seen.byteEqual += 1
      else if (answer.body.byteLength < body.byteLength) seen.cleanShortBodies += 1
      else seen.wrongBodies += 1
    }
    return seen
  } finally {
    await rig.stop()
  }
}
