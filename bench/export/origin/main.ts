// The store of a measurement, in a process of its own: `LATENCY_MS` pass before each answer begins. With `ANSWERS_AT_ONCE`
// further requests wait until one of so many was answered, to its last byte. Workers wait like that, or a little less: since
// April 2026 Cloudflare counts a connection until its headers are there.
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from './http.ts'
import { createS3Answers } from './s3.ts'
import { createTurns } from './turns.ts'

const latencyMs = Number(process.env.LATENCY_MS ?? 0)
const answersAtOnce = Number(process.env.ANSWERS_AT_ONCE ?? 0) || Number.POSITIVE_INFINITY

const answer = createS3Answers()
const origin = await listen(async (request) => {
  if (latencyMs > 0) await sleep(latencyMs)
  return answer(request)
}, createTurns(answersAtOnce))
process.stdout.write(`listens on ${origin} \n`)
