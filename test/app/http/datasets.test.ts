import { describe, expect, it } from 'vitest'
import { boundary, contentType, form } from '../../adapters/busboy/forms.ts'
import { slices, streamed } from '../bodies.ts'
import { countCalls } from '../counted-store.ts'
import { createService } from '../memory-service.ts'
import { expectProblem } from '../problems.ts'
import {
  caption,
  codes,
  formBytes,
  image,
  largeImage,
  type Part,
  readTrainingSet,
  sendForm,
  statuses,
  upload,
} from './uploads.ts'

const { good, bad } = readTrainingSet()
const wholeSet: Part[] = [
  { field: 'triggerWord', value: ' ohwx ' },
  ...bad.slice(0, 9),
  ...good,
  ...bad.slice(9),
  { field: 'mode', value: 'merge' },
]

describe('the training set in one request', () => {
  it('is stored but for what is wrong with it, and every file gets its verdict', async () => {
    const service = createService()
    const report = await upload(service, 'ohwx', wholeSet)
    expect(report.status).toBe(207)
    expect(report).toMatchObject({ dataset: 'ohwx', prefix: 'dataset/ohwx/', triggerWord: 'ohwx' })
    const sent = [...bad.slice(0, 9), ...good, ...bad.slice(9)]
    expect(report.files.map(({ name }) => name)).toEqual(sent.map(({ name }) => name.normalize('NFC')))

    const byName = new Map(report.files.map((one) => [one.name, one]))
    for (const { name, size, crc32, sha256, kind, width, height } of good) {
      const key = `dataset/ohwx/${name.normalize('NFC')}`
      const expected = { status: 'stored', kind, key, size, crc32, sha256, etag: expect.any(String) }
      const { name: _, ...told } = byName.get(name.normalize('NFC')) ?? {}
      expect(told, name).toEqual(width === undefined ? expected : { ...expected, width, height })
    }
    for (const { name, code } of bad) {
      const told = byName.get(name)
      expect(told, name).toMatchObject({ status: 'rejected', problem: { code, detail: expect.stringMatching(/./) } })
      expect(told, name).not.toHaveProperty('key')
    }
    const bytes = good.reduce((sum, { size }) => sum + size, 0)
    expect(report.totals).toEqual({
      files: 44,
      stored: 27,
      unchanged: 0,
      rejected: 17,
      failed: 0,
      images: 13,
      captions: 13,
      bytes,
    })
    expect(report.warnings).toEqual([])
    expect(await service.keys('dataset/')).toHaveLength(27)
  })

  it('costs one store call for each file, and a few for the request', async () => {
    const counted = countCalls()
    const service = createService({ wrap: counted.wrap })
    await upload(service, 'ohwx', wholeSet)
    for (const { name } of good) {
      const key = `dataset/ohwx/${name.normalize('NFC')}`
      expect(counted.calls.filter((one) => one.key === key)).toEqual([{ call: 'put', key }])
    }
    expect(counted.writes()).toHaveLength(27 + 1)
    expect(counted.calls).toHaveLength(27 + 3)
  })

  it('writes nothing when it is sent again', async () => {
    const counted = countCalls()
    const service = createService({ wrap: counted.wrap })
    const first = await upload(service, 'ohwx', wholeSet)
    counted.reset()
    const again = await upload(service, 'ohwx', wholeSet)
    expect(again.status).toBe(207)
    expect(again.totals).toMatchObject({ stored: 0, unchanged: 27, rejected: 17, images: 13, captions: 13 })
    const kept = (report: typeof first) => report.files.flatMap(({ status: _, ...rest }) => (rest.key ? [rest] : []))
    expect(kept(again)).toEqual(kept(first))
    expect(counted.writes()).toEqual([])
    const onlyGood = await upload(service, 'ohwx', good)
    expect(onlyGood.status).toBe(200)
    expect(counted.writes()).toEqual([])
  })

  it('is judged alike however the body is split', async () => {
    const service = createService()
    const whole = await upload(service, 'ohwx', wholeSet)
    const pieces = streamed(slices(formBytes(wholeSet), 4093))
    const split = await sendForm(createService(), '/v1/datasets/ohwx/files', pieces)
    const facts = ({ files }: typeof whole) => files.map(({ etag: _, ...rest }) => rest)
    expect(facts(split)).toEqual(facts(whole))
  })
})

describe('what a request adds', () => {
  it('stays beside what was there, unless a name comes again', async () => {
    const service = createService()
    await upload(service, 'matt', [image('a.jpg'), caption('a.txt', 'old')])
    const report = await upload(service, 'matt', [caption('a.txt', 'new'), image('b.jpg')])
    expect(report.status).toBe(200)
    expect(statuses(report)).toEqual(['a.txt stored', 'b.jpg stored'])
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/a.jpg', 'dataset/matt/a.txt', 'dataset/matt/b.jpg'])
    expect(await service.text('dataset/matt/a.txt')).toBe('new')
  })

  it('stores again a file of the same size and other bytes', async () => {
    const service = createService()
    await upload(service, 'matt', [caption('a.txt', 'one')])
    expect(statuses(await upload(service, 'matt', [caption('a.txt', 'two')]))).toEqual(['a.txt stored'])
    expect(await service.text('dataset/matt/a.txt')).toBe('two')
  })

  it('warns of images without captions and captions without images, judged over the whole dataset', async () => {
    const service = createService()
    await upload(service, 'matt', [image('a.jpg')])
    const report = await upload(service, 'matt', [caption('a.txt'), image('b.jpg'), caption('c.txt')])
    expect(report.warnings).toEqual([
      { code: 'missing-caption', file: 'b.jpg', detail: expect.stringContaining('b.txt') },
      { code: 'orphan-caption', file: 'c.txt', detail: expect.stringContaining('c') },
    ])
  })

  it('replaces the dataset when asked: what it did not bring goes', async () => {
    const service = createService()
    await upload(service, 'matt', [image('a.jpg'), caption('a.txt'), image('b.jpg')])
    await upload(service, 'matthew', [image('a.jpg')])
    const report = await upload(service, 'matt', [image('a.jpg'), { field: 'mode', value: 'replace' }, image('c.jpg')])
    expect(report.status).toBe(200)
    expect(statuses(report)).toEqual(['a.jpg unchanged', 'c.jpg stored'])
    expect(await service.keys('dataset/')).toEqual([
      'dataset/matt/a.jpg',
      'dataset/matt/c.jpg',
      'dataset/matthew/a.jpg',
    ])
  })

  it('removes nothing by replacing while a file of the request was refused', async () => {
    const service = createService()
    await upload(service, 'matt', [image('a.jpg')])
    const report = await upload(service, 'matt', [
      { field: 'mode', value: 'replace' },
      image('b.jpg'),
      image('small.jpg', 64),
    ])
    expect(report.status).toBe(207)
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/a.jpg', 'dataset/matt/b.jpg'])
  })

  it('removes nothing by replacing with nothing', async () => {
    const service = createService()
    await upload(service, 'matt', [image('a.jpg')])
    const report = await upload(service, 'matt', [{ field: 'mode', value: 'replace' }])
    expect(report.status).toBe(422)
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/a.jpg'])
  })

  it('replaces a dataset of more than a thousand files', async () => {
    const service = createService()
    const many = Array.from({ length: 1100 }, (_, i) => caption(`${i}.txt`))
    await upload(service, 'matt', many)
    await upload(service, 'matt', [caption('0.txt'), { field: 'mode', value: 'replace' }])
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/0.txt'])
  })

  it.each([
    ['mode', 'REPLACE'],
    ['mode', ''],
    ['triggerWord', 'x'.repeat(201)],
  ])('names the field that is wrong: %s', async (name, value) => {
    const service = createService()
    await upload(service, 'matt', [image('a.jpg')])
    const answer = await service.request('/v1/datasets/matt/files', {
      method: 'POST',
      body: formBytes([image('b.jpg'), { field: name, value }]),
      headers: { 'content-type': contentType },
    })
    const problem = await expectProblem(answer, 400, 'invalid-request')
    expect(problem.errors).toEqual([{ path: name, message: expect.any(String) }])
    expect(await service.keys('dataset/')).toContain('dataset/matt/a.jpg')
  })
})

describe('the trigger word', () => {
  it('is remembered, kept by requests that name none, and replaced by those that do', async () => {
    const service = createService()
    const word = async (parts: Part[]) => (await upload(service, 'matt', parts)).triggerWord
    expect(await word([image('a.jpg')])).toBeNull()
    expect(await word([image('a.jpg'), { field: 'triggerWord', value: 'ohwx' }])).toBe('ohwx')
    expect(await word([image('b.jpg')])).toBe('ohwx')
    expect(await word([image('b.jpg'), { field: 'triggerWord', value: '  ' }])).toBe('ohwx')
    expect(await word([{ field: 'triggerWord', value: 'sks' }, image('b.jpg')])).toBe('sks')
    const manifest = await service.request('/v1/datasets/matt')
    expect(await manifest.json()).toMatchObject({ triggerWord: 'sks' })
  })

  it('is not remembered of a request of which nothing was kept', async () => {
    const service = createService()
    await upload(service, 'matt', [image('small.jpg', 64), { field: 'triggerWord', value: 'ohwx' }])
    expect(await service.keys()).toEqual([])
  })

  it('lies outside of the dataset, where no trainer finds it, and goes with it', async () => {
    const service = createService()
    await upload(service, 'matt', [image('a.jpg'), { field: 'triggerWord', value: 'ohwx' }])
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/a.jpg'])
    expect((await service.request('/v1/datasets/matt', { method: 'DELETE' })).status).toBe(204)
    expect(await service.keys()).toEqual([])
  })
})

describe('a request of which nothing can be used', () => {
  it('is a 422 problem that carries the whole report', async () => {
    const service = createService()
    const report = await upload(service, 'matt', [image('small.jpg', 511), caption('blank.txt', ' \n')])
    expect(report).toMatchObject({ status: 422, contentType: 'application/problem+json', code: 'unprocessable' })
    expect(report.totals).toMatchObject({ files: 2, rejected: 2, stored: 0 })
    expect(codes(report)).toEqual(['small.jpg image-too-small', 'blank.txt caption-blank'])
    expect(await service.keys()).toEqual([])
  })

  it('is a 422 problem with an empty report when it has no files', async () => {
    const report = await upload(createService(), 'matt', [])
    expect(report).toMatchObject({ status: 422, code: 'unprocessable', files: [], totals: { files: 0 } })
  })

  it.each([
    [{ 'content-type': 'application/json' }, '{}', 415, 'unsupported-type'],
    [{ 'content-type': 'multipart/mixed; boundary=x' }, '--x--\r\n', 415, 'unsupported-type'],
    [{ 'content-type': 'multipart/form-data' }, '--x--\r\n', 400, 'malformed-form'],
    [{ 'content-type': contentType }, undefined, 400, 'malformed-form'],
    [{ 'content-type': contentType }, 'no form at all', 400, 'malformed-form'],
    [
      { 'content-type': contentType },
      `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nx`,
      400,
      'malformed-form',
    ],
  ])('is refused whole when it is no form: %j', async (headers, body, status, code) => {
    const service = createService()
    const answer = await service.request('/v1/datasets/matt/files', {
      method: 'POST',
      headers: headers as Record<string, string>,
      ...(body === undefined ? {} : { body }),
    })
    await expectProblem(answer, status, code)
    expect(await service.keys()).toEqual([])
  })

  it.each(['.hidden', 'a%2Fb', 'a%5Cb', 'con', '-x', 'a%E2%80%8Bb', 'x'.repeat(151), 'a%00b'])(
    'is refused whole when its dataset is %s',
    async (dataset) => {
      const service = createService()
      const answer = await service.request(`/v1/datasets/${dataset}/files`, {
        method: 'POST',
        body: formBytes([image('a.jpg')]),
        headers: { 'content-type': contentType },
      })
      const problem = await expectProblem(answer, 400, 'invalid-name')
      expect(problem.errors).toEqual([{ path: 'dataset', message: expect.any(String) }])
      expect(await service.keys()).toEqual([])
    },
  )
})

it('has no dataset whose name is not UTF-8', async () => {
  const service = createService()
  for (const [method, rest] of [
    ['POST', '/files'],
    ['GET', ''],
    ['DELETE', ''],
  ] as const) {
    const answer = await service.request(`/v1/datasets/a%FFb${rest}`, {
      method,
      ...(method === 'POST' ? { body: formBytes([image('a.jpg')]), headers: { 'content-type': contentType } } : {}),
    })
    await expectProblem(answer, 400, 'invalid-request')
  }
  expect(await service.keys()).toEqual([])
})

describe('limits', () => {
  it('on the number of files refuse the rest of them', async () => {
    const service = createService({ env: { MAX_FILES_PER_REQUEST: '2' } })
    const report = await upload(service, 'matt', [
      caption('a.txt'),
      caption('b.txt'),
      caption('c.txt'),
      caption('d.txt'),
    ])
    expect(report.status).toBe(207)
    expect(codes(report)).toEqual(['a.txt -', 'b.txt -', 'c.txt too-many-files', 'd.txt too-many-files'])
    expect(await service.keys()).toHaveLength(2)
  })

  it('on the bytes of a file refuse it, and nothing of it stays', async () => {
    const service = createService({ env: { MAX_FILE_BYTES: '10000000' } })
    const report = await upload(service, 'matt', [
      largeImage('fits.jpg', 10_000_000),
      largeImage('over.jpg', 10_000_001),
      caption('a.txt'),
    ])
    expect(codes(report)).toEqual(['fits.jpg -', 'over.jpg too-large', 'a.txt -'])
    expect(await service.keys('dataset/')).toEqual(['dataset/matt/a.txt', 'dataset/matt/fits.jpg'])
  })

  it('on the sides of an image are those of the configuration', async () => {
    const service = createService({ env: { MIN_IMAGE_SIDE_PX: '256', MAX_IMAGE_SIDE_PX: '600' } })
    const sides = [255, 256, 600, 601].map((side) => image(`${side}.jpg`, side))
    expect(codes(await upload(service, 'matt', sides))).toEqual([
      '255.jpg image-too-small',
      '256.jpg -',
      '600.jpg -',
      '601.jpg image-too-large',
    ])
  })
})

describe('names', () => {
  it('that come twice: the first is stored, the second refused', async () => {
    const service = createService()
    const report = await upload(service, 'matt', [
      caption('a.txt', 'first'),
      caption('b.txt'),
      caption('a.txt', 'second'),
    ])
    expect(codes(report)).toEqual(['a.txt -', 'b.txt -', 'a.txt duplicate-name'])
    expect(await service.text('dataset/matt/a.txt')).toBe('first')
  })

  it('that differ in their Unicode form come twice', async () => {
    const service = createService()
    const report = await upload(service, 'matt', [caption('\u00e9.txt', 'first'), caption('e\u0301.txt', 'second')])
    expect(report.files.map(({ problem }) => problem?.code)).toEqual([undefined, 'duplicate-name'])
    expect(await service.keys()).toEqual(['dataset/matt/\u00e9.txt'])
  })

  it.each([
    '',
    '.',
    '..',
    '../a.txt',
    '/etc/a.txt',
    'a/b.txt',
    'a\\b.txt',
    '.a.txt',
    'nul.txt',
    'a\u202e.txt',
    'a\u200b.txt',
    'a\u0007.txt',
    'a.txt.',
    `${'x'.repeat(252)}.txt`,
  ])('like %j are refused, and the others go on', async (name) => {
    const service = createService()
    const report = await upload(service, 'matt', [caption('a.txt'), caption(name), caption('b.txt')])
    expect(report.files.map(({ problem }) => problem?.code)).toEqual([undefined, 'invalid-name', undefined])
    expect(await service.keys()).toEqual(['dataset/matt/a.txt', 'dataset/matt/b.txt'])
  })
})

describe('the datasets', () => {
  it('are listed by name, a page at a time', async () => {
    const service = createService()
    for (const name of ['zoe', 'matt', 'Łódź']) await upload(service, name, [image('a.jpg')])
    const list = async (query: string) => await (await service.request(`/v1/datasets${query}`)).json()
    expect(await list('')).toEqual({
      datasets: [{ name: 'matt' }, { name: 'zoe' }, { name: 'Łódź' }],
      nextCursor: null,
    })
    const first = (await list('?limit=2')) as { nextCursor: string }
    expect(first).toMatchObject({ datasets: [{ name: 'matt' }, { name: 'zoe' }] })
    expect(await list(`?limit=2&cursor=${encodeURIComponent(first.nextCursor)}`)).toEqual({
      datasets: [{ name: 'Łódź' }],
      nextCursor: null,
    })
  })

  it('have a manifest: files in key order, images with their captions, and what is amiss', async () => {
    const service = createService()
    await upload(service, 'matt', [image('b.jpg'), caption('a.txt'), image('a.jpg'), caption('c.txt')])
    await service.request('/v1/objects/dataset/matt/notes.md', { method: 'PUT', body: 'x' })
    const answer = await service.request('/v1/datasets/matt')
    expect(answer.status).toBe(200)
    const manifest = (await answer.json()) as { files: { name: string; kind: string; caption?: string }[] }
    expect(manifest).toMatchObject({
      name: 'matt',
      triggerWord: null,
      totals: { files: 5, images: 2, captions: 2 },
      warnings: [
        { code: 'missing-caption', file: 'b.jpg' },
        { code: 'orphan-caption', file: 'c.txt' },
      ],
    })
    expect(manifest.files.map(({ name, kind, caption: pair }) => [name, kind, pair])).toEqual([
      ['a.jpg', 'image', 'a.txt'],
      ['a.txt', 'caption', undefined],
      ['b.jpg', 'image', undefined],
      ['c.txt', 'caption', undefined],
      ['notes.md', 'other', undefined],
    ])
    expect(manifest.files[0]).toEqual({
      name: 'a.jpg',
      kind: 'image',
      key: 'dataset/matt/a.jpg',
      size: image('a.jpg').bytes.byteLength,
      etag: expect.any(String),
      lastModified: '2026-03-01T12:00:00.000Z',
      caption: 'a.txt',
    })
  })

  it('are not found when nothing lies in them, and deleted however often', async () => {
    const service = createService()
    await expectProblem(await service.request('/v1/datasets/matt'), 404, 'not-found')
    await upload(service, 'matt', [image('a.jpg')])
    await upload(service, 'mattea', [image('a.jpg')])
    for (const _ of ['once', 'twice']) {
      expect((await service.request('/v1/datasets/matt', { method: 'DELETE' })).status).toBe(204)
    }
    await expectProblem(await service.request('/v1/datasets/matt'), 404, 'not-found')
    expect(await service.keys()).toEqual(['dataset/mattea/a.jpg'])
  })

  it('are one in either Unicode form of their name', async () => {
    const service = createService()
    await upload(service, 'e\u0301', [image('a.jpg')])
    expect((await service.request(`/v1/datasets/${encodeURIComponent('\u00e9')}`)).status).toBe(200)
    expect(await service.keys()).toEqual(['dataset/\u00e9/a.jpg'])
  })

  it('take an empty form without its files', async () => {
    const report = await sendForm(createService(), '/v1/datasets/matt/files', new Uint8Array(form()))
    expect(report.status).toBe(422)
  })
})
