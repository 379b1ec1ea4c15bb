import type { Operation } from '../fake-s3/request.ts'
import { type Answer, ask, askJson } from './http-client.ts'
import { prefix, type Rig } from './rig.ts'

export type OperationName = 'put' | 'parts' | 'complete' | 'get' | 'zip' | 'list' | 'state'

/** What one operation of the service did, and what must be true of the store after it. */
export interface Performed {
  readonly answer: Answer
  readonly written: readonly Written[]
  /** What a whole answer has in its body, for those that give out bytes. */
  readonly expected?: Uint8Array
  readonly state?: ReportedState
  /** Where a zip is fetched. */
  readonly url?: string
}

/** A key with what lay there and what was sent: one of the two must be there, whole. `undefined`: nothing lay there. */
export interface Written {
  readonly key: string
  readonly before: Uint8Array | undefined
  readonly sent: Uint8Array
}

/** A process before and after one report, which is step `step`; the one before it was one less. */
export interface ReportedState {
  readonly id: string
  readonly versionBefore: number
  readonly step: number
  /** The version that was acknowledged, if one was. */
  readonly acknowledged: number | undefined
}

/** One kind of work of the service, and the request to the store that faults are aimed at. */
export interface Work {
  /** The request to the store that is spoiled. */
  readonly target: Operation
  /** How often that is sent when all is well. */
  readonly requests: number
  /** Makes what the work needs, while all is well, and returns the work. */
  prepare(rig: Rig): Promise<() => Promise<Performed>>
}

const MiB = 2 ** 20

export async function demandOk(answer: Answer): Promise<Answer> {
  if (answer.status < 200 || answer.status > 299) throw new Error(`preparing failed: ${answer.status} ${answer.body}`)
  return answer
}

export const objectUrl = (rig: Pick<Rig, 'origin'>, key: string) => `${rig.origin}/v1/objects/${key}`

export const put = (rig: Rig, key: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
  ask(objectUrl(rig, key), { method: 'PUT', body, headers })

/** Writes over an object, so that what was there before may stay. */
export function writing(sizeBytes: number, target: Operation, requests: number): Work {
  return {
    target,
    requests,
    async prepare(rig) {
      const key = 'files/subject.bin'
      const before = rig.random.bytes(5_000)
      const sent = rig.random.bytes(sizeBytes)
      await demandOk(await put(rig, key, before))
      return async () => ({
        answer: await put(rig, key, sent),
        written: [{ key: `${prefix}/${key}`, before, sent }],
      })
    },
  }
}

export function reading(sizeBytes: number): Work {
  return {
    target: 'GetObject',
    requests: 1,
    async prepare(rig) {
      const expected = rig.random.bytes(sizeBytes)
      await demandOk(await put(rig, 'files/subject.bin', expected))
      return async () => ({ answer: await ask(objectUrl(rig, 'files/subject.bin')), written: [], expected })
    },
  }
}

/** Fetches an archive of objects of these sizes. */
export function zipOf(sizesBytes: readonly number[]): Work {
  return {
    target: 'GetObject',
    requests: sizesBytes.length,
    async prepare(rig) {
      for (const [i, sizeBytes] of sizesBytes.entries()) {
        await demandOk(await put(rig, `files/zip/${'abc'.charAt(i)}`, rig.random.bytes(sizeBytes)))
      }
      const made = await demandOk(
        await askJson(`${rig.origin}/v1/exports`, 'POST', { include: [{ prefix: 'files/zip/' }] }),
      )
      const { url } = JSON.parse(made.body.toString()) as { url: string }
      const whole = await demandOk(await ask(url))
      return async () => ({ answer: await ask(url), written: [], expected: whole.body, url })
    },
  }
}

const listed = ['files/list/a.txt', 'files/list/b.txt', 'files/list/c/d.txt', 'files/list/e.txt', 'files/list/f.txt']

export const works: Readonly<Record<OperationName, Work>> = {
  put: writing(20_000, 'PutObject', 1),
  parts: writing(8 * MiB + 100_000, 'UploadPart', 2),
  complete: writing(8 * MiB + 100_000, 'CompleteMultipartUpload', 1),

  get: reading(400_000),

  zip: zipOf([150_000, 150_000, 150_000]),

  list: {
    target: 'ListObjectsV2',
    requests: 1,
    async prepare(rig) {
      for (const key of listed) await demandOk(await put(rig, key, rig.random.bytes(10)))
      return async () => {
        const answer = await ask(`${rig.origin}/v1/objects?prefix=files/list/`)
        return { answer, written: [] }
      }
    },
  },

  state: {
    target: 'PutObject',
    requests: 1,
    async prepare(rig) {
      const id = `p${rig.random.integer(0, 999_999)}`
      await demandOk(await askJson(`${rig.origin}/v1/processes`, 'POST', { id, type: 'training' }))
      const report = (seq: number) =>
        askJson(`${rig.origin}/v1/processes/${id}/reports`, 'POST', {
          ...{ worker: 'rig', attempt: 1, seq, status: 'running', step: seq, totalSteps: 100 },
        })
      const before = await report(1)
      await demandOk(before)
      const versionBefore = Number(before.json.version)
      return async () => {
        const answer = await report(2)
        const acknowledged = answer.status === 200 ? Number(answer.json.version) : undefined
        return { answer, written: [], state: { id, versionBefore, step: 2, acknowledged } }
      }
    },
  },
}

/** The names that a listing of everything gives, one page after the other. */
export function listedNames({ body }: Answer): string[] {
  const { objects } = JSON.parse(body.toString()) as { objects: { key: string }[] }
  return objects.map(({ key }) => key)
}

export const allListed: readonly string[] = listed
