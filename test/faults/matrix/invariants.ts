import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import type { Performed } from './operations.ts'
import { prefix, type Rig } from './rig.ts'

/** Every cell ends well before this, or hangs. Above all scaled deadlines together. */
const longestMs = 15_000
const settleMs = 4_000

/**
 * What holds after every cell, whatever was spoiled: I1 to I8 of our notes on reliability. `requestsMax` bounds the spoiled
 * requests to the store.
 */
export async function demandInvariants(
  rig: Rig,
  { answer, written, expected, acknowledged }: Performed,
  { requests, requestsMax, damaged }: { requests: number; requestsMax: number; damaged: boolean },
): Promise<void> {
  const done = answer.status >= 200 && answer.status < 300

  for (const { key, before, sent } of written) {
    const stored = rig.fake.object(key)?.body ?? new Uint8Array()
    const isSent = Buffer.compare(stored, sent) === 0
    // I1: what was acknowledged is there, every byte of it.
    if (done && answer.ending === 'clean') expect(isSent, 'I1: acknowledged and not there').toBe(true)
    // I2: else the old object is, or the new one whole.
    else expect(isSent || Buffer.compare(stored, before) === 0, 'I2: neither the old object nor the new one').toBe(true)
  }

  expect(requests, 'I3: requests to the store').toBeLessThanOrEqual(requestsMax)
  expect(answer.durationMs, 'I4: time').toBeLessThan(longestMs)

  // I5: an answer that ends well is whole.
  if (answer.ending === 'clean' && done) {
    const announced = answer.headers['content-length']
    if (announced !== undefined) expect(answer.body.byteLength, 'I5: announced length').toBe(Number(announced))
    if (expected !== undefined) expect(Buffer.compare(answer.body, expected), 'I5: every byte').toBe(0)
  }
  // What was sent of a body that broke is the beginning of the right one. A checksum can only be judged at the end.
  if (expected !== undefined && done && !damaged) {
    const beginning = expected.subarray(0, answer.body.byteLength)
    expect(Buffer.compare(answer.body, beginning), 'I5: a beginning of the right bytes').toBe(0)
  }

  // I6: an acknowledged version of process state is in the store.
  if (acknowledged !== undefined) {
    const stored = rig.fake.object(`${prefix}/processes/state/${acknowledged.id}.json`)
    const state = JSON.parse(Buffer.from(stored?.body ?? []).toString()) as { version: number; step: number }
    expect(state.version, 'I6: acknowledged version').toBe(acknowledged.version)
    expect(state.step, 'I6: acknowledged step').toBe(acknowledged.step)
  }

  // I7: nothing is held any more.
  const left = await eventually(
    () => held(rig),
    ({ busy, running }) => busy + running === 0,
    settleMs,
  )
  expect(left, 'I7: held').toEqual({ busy: 0, running: 0 })

  demandSilence(rig, answer)
}

function held({ proxy, health }: Rig) {
  const classes = Object.values(health()).flatMap(({ data, meta, list }) => [data, meta, list])
  const running = classes.reduce((sum, { running, waiting }) => sum + running + waiting, 0)
  return { busy: proxy.connections().busy, running }
}

/** I8: nothing of the inside leaves in an answer, and no secret gets into the log. */
export function demandSilence(
  { fake, proxy, logLines }: Rig,
  answer: { readonly headers: object; readonly body: Buffer; readonly status: number },
): void {
  const { secretAccessKey, accessKeyId } = fake.credentials
  const internal = [secretAccessKey, accessKeyId, fake.bucket, new URL(fake.origin).host, new URL(proxy.origin).host]
  const said = JSON.stringify(answer.headers) + (answer.status >= 400 ? answer.body.toString() : '')
  for (const word of [...internal, 'UploadId', 'node_modules', '    at ']) {
    expect(said.includes(word), `I8: ${word} in the answer`).toBe(false)
  }
  const secrets = [secretAccessKey, 'X-Amz-Signature', 'Authorization']
  for (const line of logLines)
    for (const word of secrets) expect(line.includes(word), `I8: ${word} in the log`).toBe(false)
}
