import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import type { Answer } from './http-client.ts'
import { budget, budgetPerRetry } from './limits.ts'
import type { Performed, ReportedState, Written } from './operations.ts'
import { linkSecretBase64, type Rig } from './rig.ts'
import { documentsOf, storedProgress } from './stored-state.ts'

const settleMs = 4_000
/** How often an operation may look at what became of its requests, with everything that it asks besides. */
const looksMax = 40

export interface Bounds {
  /** Since the work began: requests to the store of the spoiled kind, and of any kind. */
  readonly requests: number
  readonly requestsInAll: number
  /** Of the spoiled kind. */
  readonly requestsMax: number
  readonly longestMs: number
  /** How much had been told when the work began. */
  readonly toldBefore: number
  /** Bytes of the answer are wrong before it breaks. */
  readonly damaged: boolean
}

const isDone = ({ status, ending }: Answer) => status >= 200 && status < 300 && ending === 'clean'

/** What holds after every cell, whatever was spoiled: I1 to I8 of our notes on reliability. */
export async function demandInvariants(rig: Rig, performed: Performed, bounds: Bounds): Promise<void> {
  const { answer, written, state, expected } = performed
  for (const one of written) demandWholeObject(rig, one, answer)
  demandFewRequests(rig, bounds)
  expect(answer.durationMs, 'I4: time').toBeLessThan(bounds.longestMs)
  demandWholeAnswer(answer, expected, bounds.damaged)
  if (state !== undefined) demandState(rig, state)
  await demandNothingHeld(rig)
  demandSilence(rig, answer)
}

/** I1: what was acknowledged is there, every byte of it. I2: else the old object is, or the new one whole. */
function demandWholeObject({ fake }: Rig, { key, before, sent }: Written, answer: Answer): void {
  const stored = fake.object(key)?.body
  const isSent = stored !== undefined && Buffer.compare(stored, sent) === 0
  const isOld = before === undefined ? stored === undefined : stored && Buffer.compare(stored, before) === 0
  if (isDone(answer)) expect(isSent, 'I1: acknowledged and not there').toBe(true)
  else expect(isSent || isOld, 'I2: neither the old object nor the new one').toBe(true)
}

/** I3: no more requests than retries allow, and no more retries than their budget. */
function demandFewRequests({ told }: Rig, { requests, requestsInAll, requestsMax, toldBefore }: Bounds): void {
  expect(requests, 'I3: requests to the store').toBeLessThanOrEqual(requestsMax)
  expect(requestsInAll, 'I3: requests of any kind').toBeLessThanOrEqual(requestsMax + looksMax)
  const since = told.slice(toldBefore)
  const retries = since.filter(({ event }) => event === 'retry').length
  const answered = since.filter((one) => one.event === 'attempt' && one.result === 'answered').length
  expect(retries * budgetPerRetry, 'I3: points of the budget').toBeLessThanOrEqual(budget + answered)
}

/** I5: an answer that ends well is whole, and what was sent of one that broke is the beginning of the right one. */
function demandWholeAnswer(answer: Answer, expected: Uint8Array | undefined, damaged: boolean): void {
  const { headers, body, status } = answer
  const announced = headers['content-length']
  if (isDone(answer)) {
    if (announced !== undefined) expect(body.byteLength, 'I5: announced length').toBe(Number(announced))
    if (expected !== undefined) expect(Buffer.compare(body, expected), 'I5: every byte').toBe(0)
  }
  // A checksum can only be judged at the end.
  if (expected === undefined || status >= 300 || damaged) return
  expect(Buffer.compare(body, expected.subarray(0, body.byteLength)), 'I5: a beginning of the right bytes').toBe(0)
}

/**
 * I6: an acknowledged version is stored, one that was not is stored whole or not at all, and each version was written by
 * one writer: as many documents came into being as there are versions.
 */
function demandState(rig: Rig, { id, versionBefore, step, acknowledged }: ReportedState): void {
  const stored = storedProgress(rig, id)
  const [before, after] = [
    { version: versionBefore, step: step - 1 },
    { version: versionBefore + 1, step },
  ]
  if (acknowledged !== undefined) expect(acknowledged, 'I6: acknowledged version').toBe(after.version)
  const right = acknowledged !== undefined || stored.version === after.version ? after : before
  expect(stored, 'I6: stored version').toMatchObject(right)
  const documents = documentsOf(rig, id)
  // Events that are joined have no versions to win.
  if (documents > 0) expect(documents, 'I6: one winner for each version').toBe(stored.version)
}

/** I7: no request is under way, no place held, no client's socket open, and none whose other side has gone. */
export async function demandNothingHeld(rig: Rig): Promise<void> {
  const nothing = { requests: 0, places: 0, clients: 0, lopsided: 0 }
  const isNothing = (left: typeof nothing) => Object.values(left).every((count) => count === 0)
  const left = await eventually(() => heldBy(rig), isNothing, settleMs)
  expect(left, 'I7: held').toEqual(nothing)
}

function heldBy({ fake, proxy, health, clientSockets }: Rig) {
  const { client, origin, busy } = proxy.connections()
  const classes = Object.values(health()).flatMap(({ data, meta, list }) => [data, meta, list])
  return {
    requests: busy,
    places: classes.reduce((sum, { running, waiting }) => sum + running + waiting, 0),
    clients: clientSockets(),
    lopsided: Math.abs(fake.connections() - origin) + Math.abs(client - origin),
  }
}

/** I8: nothing of the inside leaves in an answer, and no secret gets into the log. */
export function demandSilence(rig: Rig, { headers, body, status }: Pick<Answer, 'headers' | 'body' | 'status'>): void {
  const { fake, proxy } = rig
  const { secretAccessKey, accessKeyId } = fake.credentials
  const hosts = [new URL(fake.origin).host, new URL(proxy.origin).host, rig.storeHost]
  const internal = [secretAccessKey, accessKeyId, fake.bucket, ...hosts.filter((host) => host !== '127.0.0.1')]
  const words = [...internal, ...uploadIds(rig), linkSecretBase64, 'UploadId', 'uploadId', 'node_modules', '    at ']
  // Users' own bytes may say what they like.
  const isOurs = status >= 300 || headers['content-type']?.includes('json') === true
  const said = JSON.stringify(headers) + (isOurs ? body.toString() : '')
  for (const word of words) expect(said.includes(word), `I8: ${word} in the answer`).toBe(false)
  demandSilentLog(rig)
}

export function demandSilentLog({ fake, logLines }: Rig): void {
  const signature = /[?&](?:X-Amz-Signature|X-Amz-Credential)=|Signature=[0-9a-f]{64}/i
  // A link's grant and its signature, as they stand in its path.
  const token = /\/v1\/links\/[\w.~-]{20}/
  for (const line of logLines) {
    for (const secret of [fake.credentials.secretAccessKey, linkSecretBase64]) {
      expect(line.includes(secret), 'I8: a secret in the log').toBe(false)
    }
    expect(line, 'I8: a signature in the log').not.toMatch(signature)
    expect(line, 'I8: a link in the log').not.toMatch(token)
  }
}

function uploadIds({ proxy }: Rig): string[] {
  const ids = proxy.exchanges.map(({ target }) => new URL(target, 'http://store').searchParams.get('uploadId'))
  return [...new Set(ids.filter((id) => id !== null && id !== ''))] as string[]
}
