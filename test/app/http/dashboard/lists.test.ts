import { describe, expect, it } from 'vitest'
import { keyOfFileId } from '../../../../src/app/http/dashboard/file-id.ts'
import { countCalls } from '../../counted-store.ts'
import { createService, type Service } from '../../memory-service.ts'

async function put(service: Service, key: string, body = 'x') {
  const answer = await service.request(`/v1/objects/${key}`, { method: 'PUT', body })
  expect(answer.status).toBeLessThan(300)
}

async function make(service: Service, id: string, config: Record<string, unknown> = {}) {
  const json = { id, type: 'training', name: `job ${id}`, config }
  expect((await service.request('/v1/processes', { method: 'POST', json })).status).toBe(201)
}

const list = async (service: Service, path: string) => (await service.request(path)).json()

describe('GET /processes', () => {
  it('shows each process as the dashboard reads it, and of its config only that', async () => {
    const service = createService()
    const process = [
      { trigger_word: 'ohwx', model: { name_or_path: 'a/b' }, train: { steps: 9 }, notes: 'n'.repeat(50_000) },
    ]
    await make(service, 'p1', { job: 'extension', config: { name: 'my lora', process } })
    expect(await list(service, '/processes')).toEqual({
      processes: [
        {
          id: 'p1',
          name: 'job p1',
          type: 'training',
          status: 'pending',
          progress: 0,
          step: 0,
          created_at: '2026-03-01T12:00:00.000Z',
          updated_at: '2026-03-01T12:00:00.000Z',
          config: { config: { name: 'my lora', process: [{ trigger_word: 'ohwx' }] } },
          output_path: 'lora-dashboard/results/p1',
        },
      ],
    })
  })

  it('survives configs of any shape', async () => {
    const service = createService()
    for (const [index, config] of [
      {},
      { config: 'x' },
      { config: { process: null } },
      { config: { process: [[]] } },
    ].entries())
      await make(service, `p${index}`, config)
    const { processes } = await list(service, '/processes')
    expect(processes.map((one: { config: unknown }) => one.config)).toEqual(
      Array.from({ length: 4 }, () => ({ config: { process: [{}] } })),
    )
  })

  it('is 304 for who has it, until something happens', async () => {
    const service = createService()
    await make(service, 'p1')
    const first = await service.request('/processes')
    const etag = first.headers.get('etag') ?? ''
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const ask = () => service.request('/processes', { headers: { 'if-none-match': etag } })
    expect((await ask()).status).toBe(304)
    await service.request('/processes/p1', { method: 'DELETE' })
    const changed = await ask()
    expect(changed.status).toBe(200)
    expect(((await changed.json()) as { processes: { status: string }[] }).processes[0]?.status).toBe('cancelled')
  })

  it('reads only what has changed since the last poll', async () => {
    const counted = countCalls()
    const service = createService({ wrap: counted.wrap })
    for (let i = 0; i < 20; i++) await make(service, `p${i}`)
    await list(service, '/processes')
    counted.reset()
    await list(service, '/processes')
    expect(counted.count('get')).toBe(0)
    await service.request('/processes/p7', { method: 'DELETE' })
    counted.reset()
    await list(service, '/processes')
    expect(counted.count('get')).toBe(1)
  })
})

describe('GET /processes/{id}', () => {
  it('shows one, or says that there is none', async () => {
    const service = createService()
    await make(service, 'p1')
    expect(await list(service, '/processes/p1')).toMatchObject({ success: true, data: { id: 'p1', status: 'pending' } })
    const absent = await service.request('/processes/p2')
    expect([absent.status, await absent.json()]).toEqual([404, { success: false, message: 'no such process' }])
  })
})

describe('GET /files/list and GET /lora', () => {
  it('show LoRAs and images with ids that differ, and nothing else', async () => {
    const service = createService()
    await make(service, 'p1', { config: { process: [{ trigger_word: 'ohwx', model: { name_or_path: 'org/flux' } }] } })
    for (const name of [
      'lora/a.safetensors',
      'lora/log.txt',
      'samples/a.jpg',
      'images/a.jpg',
      'images/b.PNG',
      'other/a.jpg',
    ])
      await put(service, `results/p1/${name}`)
    await put(service, 'dataset/d/a.jpg')
    const { data } = await list(service, '/files/list')
    const { lora_files, image_files, total_files } = data
    const names = (files: { path: string }[]) =>
      files.map(({ path }) => path.slice('lora-dashboard/results/p1/'.length))
    expect(names(lora_files)).toEqual(['lora/a.safetensors'])
    expect(names(image_files).toSorted()).toEqual(['images/a.jpg', 'images/b.PNG', 'samples/a.jpg'])
    expect(total_files).toBe(4)
    expect(new Set([...lora_files, ...image_files].map(({ id }) => id)).size).toBe(4)
    for (const { id, process_id, path } of image_files) {
      expect(process_id).toBe(id)
      expect(`lora-dashboard/${keyOfFileId(id)}`).toBe(path)
    }
    const { models } = await list(service, '/lora')
    expect(models).toEqual([
      {
        id: lora_files[0].id,
        name: 'a.safetensors',
        path: 'lora-dashboard/results/p1/lora/a.safetensors',
        size: 1,
        created_at: '2026-03-01T12:00:00.000Z',
        metadata: { trigger_word: 'ohwx', steps: 0, model_type: 'flux' },
      },
    ])
  })

  it('are 304 for who has them, until a result comes or its process changes', async () => {
    const service = createService()
    await put(service, 'results/p1/lora/a.safetensors')
    const tagOf = async (path: string) => (await service.request(path)).headers.get('etag')
    const before = [await tagOf('/lora'), await tagOf('/files/list')]
    expect([await tagOf('/lora'), await tagOf('/files/list')]).toEqual(before)
    await make(service, 'p1', { config: { process: [{ trigger_word: 'x' }] } })
    expect(await tagOf('/lora')).not.toBe(before[0])
    await put(service, 'results/p1/images/a.png')
    expect(await tagOf('/files/list')).not.toBe(before[1])
  })
})
