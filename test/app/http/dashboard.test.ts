import { loadAll } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../src/ports/errors.ts'
import { contentType } from '../../adapters/busboy/forms.ts'
import { countCalls } from '../counted-store.ts'
import { createService, type Service, type ServiceOptions } from '../memory-service.ts'
import {
  caption,
  formBytes,
  image,
  largeImage,
  type Part,
  readTrainingSet,
  type TrainingFile,
  upload,
} from './uploads.ts'

interface DashboardAnswer {
  readonly status: number
  readonly success: boolean
  readonly message: string
  readonly data?: {
    readonly training_folder: string
    readonly total_images: number
    readonly total_captions: number
    readonly total_size: number
    readonly total_size_formatted: string
    readonly uploaded_files: readonly Record<string, unknown>[]
    readonly detailed_message: string
    readonly debug_info: { readonly total_files_failed: number; readonly all_files_failed: boolean }
  }
}

/** As the dashboard writes its form: the files first, then the three fields, the trigger word always empty. */
const dashboardForm = (files: readonly TrainingFile[], trainingName: string, cleanup = false): Part[] => [
  ...files,
  { field: 'training_name', value: trainingName },
  { field: 'trigger_word', value: '' },
  { field: 'cleanup_existing', value: `${cleanup}` },
]

async function send(
  service: Service,
  parts: readonly Part[],
  headers: Record<string, string> = {},
): Promise<DashboardAnswer> {
  const answer = await service.request('/upload/training-data', {
    method: 'POST',
    body: formBytes(parts),
    headers: { 'content-type': contentType, ...headers },
  })
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  return { status: answer.status, ...((await answer.json()) as Omit<DashboardAnswer, 'status'>) }
}

const datasetOf = ({ data }: DashboardAnswer) => `${data?.training_folder}`.split('/').at(-1) ?? ''

describe('POST /upload/training-data', () => {
  it('stores the files in the dataset that is named behind them, and answers what the dashboard reads', async () => {
    const service = createService()
    const answer = await send(service, dashboardForm([image('a.jpg'), caption('a.txt'), image('b.jpg')], 'first_run'))
    const size = image('a.jpg').bytes.byteLength
    expect(answer).toEqual({
      status: 200,
      success: true,
      message: 'Stored 2 images and 1 caption in first_run.',
      data: {
        training_folder: 'lora-dashboard/dataset/first_run',
        total_images: 2,
        total_captions: 1,
        total_size: 2 * size + 7,
        total_size_formatted: `${2 * size + 7} B`,
        uploaded_files: [
          {
            filename: 'a.jpg',
            size,
            size_formatted: `${size} B`,
            path: 'lora-dashboard/dataset/first_run/a.jpg',
            file_type: 'image',
          },
          expect.objectContaining({ filename: 'a.txt', size: 7, file_type: 'caption' }),
          expect.objectContaining({ filename: 'b.jpg', file_type: 'image' }),
        ],
        detailed_message: 'Stored 2 images and 1 caption in first_run.',
        debug_info: { total_files_failed: 0, all_files_failed: false, failed_files: [] },
      },
    })
    expect(await service.keys()).toEqual([
      'dataset/first_run/a.jpg',
      'dataset/first_run/a.txt',
      'dataset/first_run/b.jpg',
    ])
  })

  it('stores the whole training set and says what is wrong with the rest', async () => {
    const service = createService()
    const { good, bad } = readTrainingSet()
    const answer = await send(service, dashboardForm([...bad, ...good], 'ohwx'))
    expect(answer).toMatchObject({
      status: 200,
      success: true,
      data: { total_images: 13, total_captions: 13, debug_info: { total_files_failed: 17, all_files_failed: false } },
    })
    for (const { name } of bad) expect(answer.data?.detailed_message).toContain(name)
    expect(await service.keys()).toHaveLength(27)
  })

  it('leaves nothing in the waiting area, however it ends', async () => {
    const service = createService()
    await send(service, dashboardForm([image('a.jpg')], 'ok'))
    await send(service, dashboardForm([image('small.jpg', 64)], 'refused'))
    await send(service, [image('a.jpg'), { field: 'training_name', value: 'x'.repeat(70_000) }])
    await service.request('/upload/training-data', {
      method: 'POST',
      body: formBytes(dashboardForm([image('a.jpg')], 'cut')).subarray(0, -40),
      headers: { 'content-type': contentType },
    })
    expect(await service.keys('uploads/')).toEqual([])
    expect(await service.keys('dataset/')).toEqual(['dataset/ok/a.jpg'])
  })

  it('keeps the checksums and the size of a large file on its way', async () => {
    const service = createService()
    const big = largeImage('big.jpg', 20 * 2 ** 20)
    const answer = await send(service, dashboardForm([big], 'large'))
    expect(answer.data).toMatchObject({ total_size: 20 * 2 ** 20, total_size_formatted: '20.0 MB' })
    const direct = await upload(service, 'direct', [big])
    expect((await upload(service, 'large', [big])).files[0]).toMatchObject({
      status: 'unchanged',
      sha256: direct.files[0]?.sha256,
    })
  })

  it('holds none of the files in memory: a small file costs four calls of the store', async () => {
    const counted = countCalls()
    const service = createService({ wrap: counted.wrap })
    const files = Array.from({ length: 20 }, (_, i) => caption(`${i}.txt`))
    await send(service, dashboardForm(files, 'many'))
    expect(counted.count('put')).toBe(2 * files.length)
    expect(counted.count('deleteMany')).toBe(1)
  })

  it('costs a file of 50 MiB its parts twice, and one reading in between', async () => {
    const counted = countCalls()
    const service = createService({ wrap: counted.wrap })
    const answer = await send(service, dashboardForm([largeImage('big.jpg', 50 * 2 ** 20)], 'large'))
    expect(answer.data?.total_images).toBe(1)
    expect(counted.count('createMultipart')).toBe(2)
    expect(counted.count('putPart')).toBe(2 * 7)
    expect(counted.count('completeMultipart')).toBe(2)
    expect(counted.calls.filter(({ call, key }) => call === 'get' && key.startsWith('uploads/waiting/'))).toHaveLength(
      1,
    )
  })
})

describe('training_folder', () => {
  const hostile = [
    'run #1',
    'a: b',
    '$& $1 $$',
    'Łódź ćwiczenie',
    '日本',
    '..',
    '../../etc',
    'a/b',
    'a\\b',
    '- list',
    '{x: 1}',
    '[1]',
    '"quoted"',
    "it's",
    '!tag',
    '&anchor',
    '*alias',
    '| literal',
    '> folded',
    '%directive',
    '@at',
    '`tick`',
    'true',
    'null',
    '~',
    '123',
    '1e3',
    '2026-01-01',
    'con',
    'a'.repeat(50),
    'x\ty',
    'a\u202eb',
    'é'.repeat(50),
    '-',
    '...',
    `${'a'.repeat(99)}.b`,
    `${'a'.repeat(95)}${'.'.repeat(20)}`,
  ]

  it.each(hostile)('of %j is a plain YAML scalar, and no replacement text', async (name) => {
    const answer = await send(createService(), dashboardForm([image('a.jpg')], name))
    expect(answer.status).toBe(200)
    const folder = `${answer.data?.training_folder}`
    expect(folder).toMatch(/^lora-dashboard\/dataset\/[A-Za-z0-9][A-Za-z0-9._-]*$/)
    expect(loadAll(`training_folder: ${folder}\nnext: 1`)).toEqual([{ training_folder: folder, next: 1 }])
    expect('training_folder: x'.replace(/x/, folder)).toBe(`training_folder: ${folder}`)
  })

  it('is the same for the same name, another for every other', async () => {
    const service = createService()
    const folders = new Map<string, string>()
    for (const name of hostile) {
      const first = datasetOf(await send(service, dashboardForm([image('a.jpg')], name)))
      expect(datasetOf(await send(service, dashboardForm([image('a.jpg')], ` ${name} `)))).toBe(first)
      folders.set(name, first)
    }
    expect(new Set(folders.values()).size).toBe(hostile.length)
  })

  it('of a plain name is that name, so that it meets the dataset of the API', async () => {
    const service = createService()
    await upload(service, 'My_set-1.2', [image('a.jpg')])
    expect(datasetOf(await send(service, dashboardForm([image('b.jpg')], 'My_set-1.2')))).toBe('My_set-1.2')
    expect(await service.keys('dataset/')).toHaveLength(2)
  })

  it.each(['', ' '.repeat(50)])('of the name %j is made of the time', async (name) => {
    const answer = await send(createService(), dashboardForm([image('a.jpg')], name))
    expect(datasetOf(answer)).toBe(`training_${Date.parse('2026-03-01T12:00:00.000Z')}`)
  })

  it('is told without any field at all', async () => {
    expect(datasetOf(await send(createService(), [image('a.jpg')]))).toMatch(/^training_\d+$/)
  })
})

describe('cleanup_existing', () => {
  async function withTwoDatasets(options: ServiceOptions = {}) {
    const service = createService(options)
    await upload(service, 'mine', [image('old.jpg'), caption('old.txt'), image('a.jpg')])
    await upload(service, 'mine-too', [image('old.jpg')])
    await upload(service, 'other', [image('old.jpg')])
    return service
  }

  it('empties the dataset of that name, and no other', async () => {
    const service = await withTwoDatasets()
    await send(service, dashboardForm([image('a.jpg'), image('new.jpg')], 'mine', true))
    expect(await service.keys('dataset/')).toEqual([
      'dataset/mine-too/old.jpg',
      'dataset/mine/a.jpg',
      'dataset/mine/new.jpg',
      'dataset/other/old.jpg',
    ])
  })

  it('removes nothing when it is not ticked', async () => {
    const service = await withTwoDatasets()
    await send(service, dashboardForm([image('new.jpg')], 'mine', false))
    expect(await service.keys('dataset/mine/')).toHaveLength(4)
  })

  it.each([
    ['a refused file', [image('new.jpg'), image('small.jpg', 64)]],
    ['nothing but refused files', [image('small.jpg', 64)]],
    ['no files', []],
  ])('removes nothing when the form has %s', async (_, files) => {
    const service = await withTwoDatasets()
    await send(service, dashboardForm(files, 'mine', true))
    expect(await service.keys('dataset/mine/')).toEqual(
      expect.arrayContaining(['dataset/mine/a.jpg', 'dataset/mine/old.jpg', 'dataset/mine/old.txt']),
    )
  })

  it('removes nothing when a file failed on its way', async () => {
    let down = false
    const service = await withTwoDatasets({
      wrap: (store) => ({
        ...store,
        put: async (key, body, options) => {
          if (down && key === 'dataset/mine/new.jpg') throw new StoreUnavailable('connect ECONNREFUSED 10.0.0.7')
          return await store.put(key, body, options)
        },
      }),
    })
    down = true
    const answer = await send(service, dashboardForm([image('new.jpg'), image('b.jpg')], 'mine', true))
    expect(answer).toMatchObject({
      status: 200,
      success: true,
      data: { total_images: 1, debug_info: { total_files_failed: 1, all_files_failed: false } },
    })
    expect(answer.data?.detailed_message).toContain('new.jpg')
    expect(JSON.stringify(answer)).not.toContain('10.0.0.7')
    expect(await service.keys('dataset/mine/')).toHaveLength(4)
  })
})

describe('what goes wrong', () => {
  const post = (service: Service, init: { body?: string; headers?: Record<string, string> }) =>
    service.request('/upload/training-data', { method: 'POST', ...init })

  it('is an error status and a message, the one thing that the dashboard shows', async () => {
    const service = createService()
    const all = [
      [await post(service, { body: '{}', headers: { 'content-type': 'application/json' } }), 415],
      [await post(service, { headers: { 'content-type': contentType } }), 400],
      [await post(service, { body: 'x', headers: { 'content-type': contentType } }), 400],
      [await post(service, { body: 'x', headers: { 'content-type': 'multipart/form-data' } }), 400],
    ] as const
    for (const [answer, status] of all) {
      expect(answer.status).toBe(status)
      expect(await answer.json()).toEqual({ success: false, message: expect.stringMatching(/./) })
      expect(answer.headers.get('x-request-id')).not.toBeNull()
    }
  })

  it('names every file that was refused, when none was kept', async () => {
    const answer = await send(createService(), dashboardForm([image('small.jpg', 64), caption('empty.txt', '')], 'x'))
    expect(answer).toMatchObject({ status: 422, success: false, data: { debug_info: { all_files_failed: true } } })
    expect(answer.message).toContain('small.jpg')
    expect(answer.message).toContain('empty.txt')
  })

  it('says that the form has no files', async () => {
    const answer = await send(createService(), dashboardForm([], 'x'))
    expect(answer).toMatchObject({ status: 422, success: false, message: expect.stringContaining('no files') })
  })

  it('is not told in the words of the store', async () => {
    const service = createService({
      wrap: (store) => ({
        ...store,
        list: async () => {
          throw new StoreUnavailable('connect ECONNREFUSED 10.0.0.7')
        },
      }),
    })
    const answer = await send(service, dashboardForm([image('a.jpg')], 'x'))
    expect(answer).toMatchObject({ status: 503, success: false })
    expect(JSON.stringify(answer)).not.toContain('10.0.0.7')
  })
})

describe('who may call', () => {
  const parts = dashboardForm([image('a.jpg')], 'x')

  it('is everybody on this machine, whatever bearer they send', async () => {
    const answer = await send(createService(), parts, { authorization: 'Bearer U2FsdGVkX1+undecodable==' })
    expect(answer.status).toBe(200)
  })

  it('is no page of a foreign origin', async () => {
    const service = createService({ env: { CORS_ORIGINS: 'https://dashboard.example' } })
    const foreign = await send(service, parts, { origin: 'https://evil.example' })
    expect(foreign).toEqual({ status: 403, success: false, message: expect.stringMatching(/./) })
    expect(await service.keys()).toEqual([])
    expect((await send(service, parts, { origin: 'https://dashboard.example' })).status).toBe(200)
  })

  it('is nobody when it is off, or when tokens are configured and it is not switched on by name', async () => {
    const tokens = { API_TOKENS: 'some-token-0123456789=admin' }
    for (const env of [{ DASHBOARD: 'off' }, tokens, { ...tokens, DASHBOARD: 'off' }] as Record<string, string>[]) {
      const service = createService({ env })
      for (const headers of [{}, { authorization: 'Bearer U2FsdGVkX1' }] as Record<string, string>[]) {
        const answer = await service.request('/upload/training-data', {
          method: 'POST',
          body: formBytes(parts),
          headers: { 'content-type': contentType, ...headers },
        })
        expect(answer.status).toBe(404)
      }
      expect(await service.keys()).toEqual([])
    }
  })

  it('is everybody again with tokens, when it is switched on by name, but no foreign page', async () => {
    const env = { API_TOKENS: 'some-token-0123456789=admin', DASHBOARD: 'trusted-network' }
    const service = createService({ env })
    expect((await send(service, parts, { authorization: 'Bearer U2FsdGVkX1' })).status).toBe(200)
    expect((await send(service, parts, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await service.request('/v1/objects')).status).toBe(401)
  })

  it('may ask before, for every header that the dashboard sends', async () => {
    const service = createService({ env: { CORS_ORIGINS: 'https://dashboard.example' } })
    const answer = await service.request('/upload/training-data', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://dashboard.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,x-runpod-token',
      },
    })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,x-runpod-token')
  })
})
