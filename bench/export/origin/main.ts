// The store of a measurement, in a process of its own: `LATENCY_MS` pass before each answer begins. With `ANSWERS_AT_ONCE`
// further requests wait until one of so many was answered, as they do on Workers.
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from './http.ts'
import { createS3Answers } from './s3.ts'

const latencyMs = Number(process.env.LATENCY_MS ?? 0)
const answersAtOnce = Number(process.env.ANSWERS_AT_ONCE ?? 0) || Number.POSITIVE_INFINITY

const answer = createS3Answers()
const waiting: (() => void)[] = []
let answering = 0

const origin = await listen(async (request) => {
  if (answering >= answersAtOnce) await new Promise<void>((resolve) => waiting.push(resolve))
  answering += 1
  if (latencyMs > 0) await sleep(latencyMs)
  answering -= 1
  waiting.shift()?.()
  return answer(request)
})
process.stdout.write(`listens on ${origin} \n`)
