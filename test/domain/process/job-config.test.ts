import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidJobConfig, jobConfig, maxConfigLength } from '../../../src/domain/process/job-config.ts'

const job = (process: Record<string, unknown>, name: unknown = 'first') => ({
  job: 'extension',
  config: { name, process: [process] },
})

describe('a job config', () => {
  it('says its name, its steps and its dataset, and is kept whole', () => {
    const given = job({ trigger_word: 'ohwx', train: { steps: 2000 }, datasets: [{ folder_path: 'x/dataset/matt' }] })
    expect(jobConfig(given)).toEqual({ config: given, name: 'first', totalSteps: 2000, dataset: 'matt' })
  })

  it.each([
    ['lora-dashboard/dataset/matt', 'matt'],
    ['/workspace/lora-dashboard/dataset/matt/', 'matt'],
    ['dataset/matt', 'matt'],
    ['dataset/zażółć', 'zażółć'],
    ['/workspace/output', undefined],
    ['dataset/..', undefined],
    ['dataset/a/b', undefined],
    ['dataset/.hidden', undefined],
    [`dataset/${'x'.repeat(151)}`, undefined],
    ['', undefined],
    [7, undefined],
    [null, undefined],
  ])('with the folder %j has the dataset %j', (folder, dataset) => {
    expect(jobConfig(job({ datasets: [{ folder_path: folder }] })).dataset).toBe(dataset)
    expect(jobConfig(job({ training_folder: folder })).dataset).toBe(dataset)
  })

  it('looks for its dataset in its datasets before its training folder', () => {
    const both = job({ training_folder: 'dataset/second', datasets: [{ folder_path: 'dataset/first' }] })
    expect(jobConfig(both).dataset).toBe('first')
    expect(jobConfig(job({ training_folder: 'dataset/second', datasets: [{ folder_path: '/images' }] })).dataset).toBe(
      'second',
    )
  })

  it.each([
    [' a ', 'a'],
    [42, '42'],
    ['', undefined],
    [['a'], undefined],
    ['é'.repeat(300), 'é'.repeat(200)],
  ])('with the name %j is called %j', (name, called) => {
    expect(jobConfig(job({}, name)).name).toBe(called)
  })

  it.each([0, -1, 1.5, '2000', null, 2 ** 40])('with %j steps has no known number of them', (steps) => {
    expect(jobConfig(job({ train: { steps } })).totalSteps).toBeUndefined()
  })

  it('is kept as JSON keeps it, whatever is in it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
        expect(JSON.stringify(jobConfig(given).config)).toBe(JSON.stringify(given))
      }),
    )
  })

  it.each([[null], ['text'], [[1]], [7]])('is a mapping, not %j', (given) => {
    expect(() => jobConfig(given)).toThrow(InvalidJobConfig)
  })

  it('says where it has a number that JSON has not', () => {
    expect(() => jobConfig(job({ train: { lr: [1, Number.NaN] } }))).toThrow('config.process[0].train.lr[1] is NaN')
  })

  it('is measured while it is read: aliases that say gigabytes, and circles, are refused soon', () => {
    let laughs: unknown = 'lol'
    for (let i = 0; i < 40; i++) laughs = Array(10).fill(laughs)
    expect(() => jobConfig({ laughs })).toThrow(`more than ${maxConfigLength} characters`)
    const circle: Record<string, unknown> = {}
    circle.again = circle
    expect(() => jobConfig(circle)).toThrow('nested deeper than 64 levels')
    expect(() => jobConfig({ text: 'x'.repeat(maxConfigLength) })).toThrow('characters as JSON')
  })
})
