import { describe, expect, it } from 'vitest'
import { createService, type Service } from '../../memory-service.ts'
import { processClient } from '../processes.ts'
import { withoutConditions } from '../without-conditions.ts'

const yaml = `---
# Trening postaci: ćwiczenie
job: extension
config:
  name: my_first_lora
  process:
    - type: sd_trainer
      training_folder: lora-dashboard/dataset/matt
      trigger_word: ohwx
      datasets:
        - folder_path: lora-dashboard/dataset/matt
          caption_ext: txt
      train:
        steps: 2000
        lr: 1e-4
`.replaceAll('\n', '\r\n')

interface Started {
  readonly success: boolean
  readonly message: string
  readonly data?: { readonly process_id: string }
}

async function start(service: Service, path: string, config: unknown) {
  const answer = await service.request(path, { method: 'POST', json: { config } })
  return { status: answer.status, ...((await answer.json()) as Started) }
}

const cancel = async (service: Service, id: string) => {
  const answer = await service.request(`/processes/${id}`, { method: 'DELETE' })
  return { status: answer.status, ...((await answer.json()) as Started) }
}

describe.each([
  ['/train', 'training', /^train_[0-9a-f]{12}$/],
  ['/generate', 'generation', /^gen_[0-9a-f]{12}$/],
])('POST %s', (path, type, ids) => {
  it('queues a process that a worker finds whole', async () => {
    const service = createService()
    const answer = await start(service, path, yaml)
    expect(answer).toMatchObject({ status: 200, success: true })
    const id = answer.data?.process_id ?? ''
    expect(id).toMatch(ids)
    const claimed = await processClient(service).post('/claim', { worker: 'w1', types: [type] })
    expect(await claimed.json()).toMatchObject({
      ...{ id, type, name: 'my_first_lora', dataset: 'matt', progress: { step: 0, totalSteps: 2000, percent: 0 } },
      config: { config: { process: [{ trigger_word: 'ohwx', train: { steps: 2000, lr: 0.0001 } }] } },
    })
  })

  it('queues a process of its own each time', async () => {
    const service = createService()
    const ids = [await start(service, path, yaml), await start(service, path, yaml)].map(({ data }) => data?.process_id)
    expect(new Set(ids).size).toBe(2)
  })

  it('calls one without a name by its id', async () => {
    const service = createService()
    const id = (await start(service, path, 'job: x')).data?.process_id ?? ''
    expect(await processClient(service).read(id)).toMatchObject({ name: id, status: 'queued', dataset: null })
  })

  it.each([
    ['is no YAML', 'job: extension\nconfig: [1', 400, /not YAML: .*line 2, column/],
    ['is no mapping', '- a', 400, /mapping/],
    ['is empty', '', 400, /documents/],
    ['is no text', { job: 'extension' }, 400, /config: /],
    ['is too long', `a: ${'x'.repeat(200_000)}`, 413, /131072 characters/],
    ['is far too long', `# ${'x'.repeat(2 ** 20)}`, 413, /1048576 bytes/],
  ])('refuses a config that %s, and says why', async (_what, config, status, message) => {
    const service = createService()
    const answer = await start(service, path, config)
    expect(answer).toEqual({ status, success: false, message: expect.stringMatching(message) })
    expect(await service.keys()).toEqual([])
  })

  it('refuses a body that is no JSON', async () => {
    const answer = await createService().request(path, { method: 'POST', body: 'job: extension' })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ success: false, message: 'the body is not JSON' })
  })
})

describe('DELETE /processes/{id}', () => {
  it('ends a queued process at once', async () => {
    const service = createService()
    const id = (await start(service, '/train', yaml)).data?.process_id ?? ''
    expect(await cancel(service, id)).toMatchObject({ status: 200, success: true })
    expect(await processClient(service).read(id)).toMatchObject({ status: 'cancelled' })
    expect((await processClient(service).post('/claim', { worker: 'w1' })).status).toBe(204)
  })

  it('asks the worker of a claimed one to end', async () => {
    const service = createService()
    const id = (await start(service, '/train', yaml)).data?.process_id ?? ''
    await processClient(service).claim(id)
    expect((await cancel(service, id)).status).toBe(200)
    expect((await processClient(service).reported(id, { seq: 0, status: 'running' })).cancelRequested).toBe(true)
  })

  it('says that there is none, or that it has ended', async () => {
    const service = createService()
    const id = (await start(service, '/train', yaml)).data?.process_id ?? ''
    await processClient(service).claim(id)
    await processClient(service).reported(id, { seq: 0, status: 'completed' })
    expect(await cancel(service, id)).toMatchObject({
      status: 409,
      success: false,
      message: expect.stringMatching(/completed/),
    })
    for (const unknown of ['train_0123456789ab', 'a%20b', 'events']) {
      expect(await cancel(service, unknown)).toEqual({ status: 404, success: false, message: 'no such process' })
    }
  })
})

it('what a job plans is known also where workers of a store that does not decide are joined', async () => {
  const service = createService({ wrap: withoutConditions })
  const id = (await start(service, '/train', yaml)).data?.process_id ?? ''
  expect(await processClient(service).read(id)).toMatchObject({ sync: 'merge', progress: { totalSteps: 2000 } })
})
