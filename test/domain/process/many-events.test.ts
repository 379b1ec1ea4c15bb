import { expect, it } from 'vitest'
import { joinProcess } from '../../../src/domain/process/merge/join.ts'
import { encodeEvent, eventKey, type ProcessEvent } from '../../../src/domain/process/merge/process-event.ts'
import { processId } from '../../../src/domain/process/process-state.ts'
import { unending } from '../../app/memory-service.ts'
import { id, openInstances, options } from './two-ways.ts'

const at = '2026-03-01T12:00:00.000Z'
const words = { totalSteps: undefined, metrics: undefined, points: undefined, message: undefined, error: undefined }
const create: ProcessEvent = {
  ...{ kind: 'create', operationId: 'c', writeId: 'c', at, attempt: 1 },
  ...{ type: 'training', name: 'p', dataset: null, config: {} },
}

function reportOf(seq: number): ProcessEvent {
  const common = { operationId: `r${seq}`, writeId: `w${seq}`, at, attempt: 1, worker: 'w1', seq, step: seq }
  return { kind: 'report', ...common, ...words, status: 'running', expectNextInSeconds: undefined }
}

it('a process of a hundred thousand events and more is joined', () => {
  const events = [create, ...Array.from({ length: 130_000 }, (_, seq) => reportOf(seq))]
  expect(joinProcess(id, undefined, events)?.state).toMatchObject({ version: 130_001, lastSeq: 129_999 })
})

it('a process that cannot be joined is named as unreadable, and the others are listed', async () => {
  const { memory, merging, digests } = openInstances()
  const instance = merging()
  await instance.create()
  // Whole, and not one of ours.
  const foreign = { ...reportOf(1), points: 5 } as unknown as ProcessEvent
  const other = processId('other')
  for (const event of [create, foreign]) {
    await memory.put(eventKey(other, event), encodeEvent(event, digests), {
      ...{ contentType: 'application/json', when: 'always', signal: unending },
    })
  }
  const { processes, unreadable } = await instance.ledger.readAll(options)
  expect([processes.map(({ state }) => state.id), unreadable]).toEqual([[id], [other]])
})
