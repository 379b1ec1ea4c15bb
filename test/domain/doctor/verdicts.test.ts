import { describe, expect, it } from 'vitest'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { conditionFinding } from '../../../src/domain/doctor/conditions.ts'
import { deleteManyFinding } from '../../../src/domain/doctor/delete-many.ts'
import { failed } from '../../../src/domain/doctor/finding.ts'
import { afterWriteFinding, firstWriteFinding } from '../../../src/domain/doctor/first-write.ts'
import { listAfterWriteFinding, listingFinding } from '../../../src/domain/doctor/listing.ts'
import { abortFinding, listPartsFinding, multipartFinding } from '../../../src/domain/doctor/multipart.ts'
import { metadataFinding } from '../../../src/domain/doctor/object-metadata.ts'
import { rangesFinding, rangeTrials } from '../../../src/domain/doctor/ranges.ts'
import { inWords, median, roundTripsFinding } from '../../../src/domain/doctor/round-trips.ts'
import { summaryLine, usesOf } from '../../../src/domain/doctor/summary.ts'
import { type Sight, tornReadsFinding } from '../../../src/domain/doctor/torn-reads.ts'
import {
  StoreDenied,
  StoreFull,
  StoreMisbehaved,
  StoreUnavailable,
  UnsupportedByStore,
} from '../../../src/ports/errors.ts'
import { raceFault } from '../../../src/ports/write-race.ts'

const { signal } = new AbortController()

describe('a race of writers', () => {
  const write = (body: string, outcome: 'applied' | 'rejected' | 'unknown' | 'unsent') => ({ body, outcome })

  it('is right when one won and his bytes are there', () => {
    expect(raceFault([write('a', 'rejected'), write('b', 'applied')], 'b')).toBeUndefined()
  })

  it('is wrong with two winners, whatever is stored', () => {
    expect(raceFault([write('a', 'applied'), write('b', 'applied')], 'b')).toBe('2 of 2 racing writers won')
  })

  it('is wrong when the winner was overwritten, or nobody won', () => {
    expect(raceFault([write('a', 'applied'), write('b', 'rejected')], 'b')).toBeDefined()
    expect(raceFault([write('a', 'applied'), write('b', 'rejected')], undefined)).toBeDefined()
    expect(raceFault([write('a', 'rejected'), write('b', 'rejected')], undefined)).toBeDefined()
  })

  it('tells nothing when the winner may be one whose answer was lost', () => {
    expect(raceFault([write('a', 'rejected'), write('b', 'unknown')], 'b')).toBeUndefined()
    expect(raceFault([write('a', 'rejected'), write('b', 'unsent')], undefined)).toBeUndefined()
  })
})

describe('the verdict on what was written', () => {
  it('is that it works when it comes back', () => {
    expect(firstWriteFinding({ expected: 'a', found: 'a' })).toMatchObject({ verdict: 'works' })
    expect(afterWriteFinding([{ expected: 'a', found: 'a' }])).toMatchObject({ verdict: 'works' })
  })

  it('is broken when other bytes come back, or none, or those from before', () => {
    expect(firstWriteFinding({ expected: 'a', found: 'b' })).toMatchObject({ verdict: 'broken' })
    expect(firstWriteFinding({ expected: 'a', found: undefined })).toMatchObject({ verdict: 'broken' })
    const looks = [
      { expected: 'a', found: 'a' },
      { expected: undefined, found: 'a' },
    ]
    expect(afterWriteFinding(looks)).toMatchObject({
      verdict: 'broken',
      detail: '1 of 2 looks showed what was there before',
    })
  })
})

describe('the verdict on overwriting', () => {
  const sights = (...seen: Sight[]) => tornReadsFinding(seen)

  it('is broken by one read that saw half of an object, or none', () => {
    expect(sights('whole', 'whole')).toEqual(expect.not.objectContaining({ fix: expect.anything() }))
    expect(sights('whole', 'mixed')).toMatchObject({ verdict: 'broken' })
    expect(sights('whole', 'absent', 'failed')).toMatchObject({ verdict: 'broken' })
  })

  it('is a warning when reads failed and none was wrong', () => {
    expect(sights('whole', 'failed')).toMatchObject({ verdict: 'works', fix: expect.any(String) })
  })
})

describe('the verdict on round trips', () => {
  const trips = (headMs: number) => roundTripsFinding({ headsMs: [headMs, headMs, 9 * headMs], putsMs: [1] })

  it('names median and worst', () => {
    expect(trips(20).detail).toBe('HEAD 20 ms, 180 ms; PUT of 1 KiB 1 ms, 1 ms (median, worst)')
    expect(median([3, 1, 2, 10])).toBe(2.5)
    expect([inWords(0.4), inWords(12.4), inWords(12_000)]).toEqual(['< 1 ms', '12 ms', '12 s'])
  })

  it('warns of slow stores and gives up those that are never ready', () => {
    expect(trips(499)).toEqual(expect.not.objectContaining({ fix: expect.anything() }))
    expect(trips(500)).toMatchObject({ verdict: 'works', fix: expect.any(String) })
    expect(trips(5_000)).toMatchObject({ verdict: 'broken' })
  })
})

describe('the verdict on a condition', () => {
  it('is missing where it was not seen, with how the store shows it', () => {
    expect(conditionFinding('conditionalDelete', { condition: 'none', reason: 'ignores If-Match' })).toEqual({
      check: 'conditional delete',
      verdict: 'missing',
      detail: 'ignores If-Match',
      instead: expect.stringContaining('we look before we delete'),
    })
    expect(conditionFinding('conditionalPut', { condition: 'checked' })).toMatchObject({ verdict: 'missing' })
  })

  it('is broken when a store that decides was seen not to', () => {
    expect(conditionFinding('conditionalPut', { condition: 'atomic' })).toMatchObject({ verdict: 'works' })
    const fault = { kind: 'violated', detail: '2 of 12 racing writers won' } as const
    expect(conditionFinding('conditionalPut', { condition: 'atomic', fault })).toMatchObject({
      verdict: 'broken',
      detail: expect.stringContaining('2 of 12'),
    })
  })
})

it('one wrong range is broken, and says which', () => {
  const right = rangeTrials.map((trial) => ({ trial, got: trial.expected }))
  expect(rangesFinding(right)).toMatchObject({ verdict: 'works' })
  const wrong = right.map((one) => (one.trial.name === 'suffix' ? { ...one, got: '01234' } : one))
  expect(rangesFinding(wrong)).toMatchObject({ verdict: 'broken', detail: expect.stringContaining('suffix') })
})

describe('the verdict on listings', () => {
  const trial = { form: 'prefix', expected: ['a', 'b'], endless: false }

  it('is broken when a name is missing, foreign or there twice', () => {
    expect(listingFinding([{ ...trial, got: ['a', 'b'] }])).toEqual({
      check: 'listing',
      verdict: 'works',
      detail: 'prefix',
    })
    for (const got of [['a'], ['a', 'b', 'c'], ['a', 'b', 'b'], ['a', 'c']]) {
      expect(listingFinding([{ ...trial, got }]), got.join()).toMatchObject({ verdict: 'broken' })
    }
  })

  it('is a warning when only the order is another, or pages hold next to nothing', () => {
    expect(listingFinding([{ ...trial, got: ['b', 'a'] }])).toMatchObject({ verdict: 'works', fix: expect.any(String) })
    expect(listingFinding([{ ...trial, got: ['a'], endless: true }])).toMatchObject({
      verdict: 'works',
      fix: expect.any(String),
    })
  })

  it('is broken when a write or a delete does not show', () => {
    expect(listAfterWriteFinding([{ ...trial, got: ['b', 'a'] }])).toMatchObject({ verdict: 'works' })
    expect(listAfterWriteFinding([{ ...trial, got: ['a'] }])).toMatchObject({ verdict: 'broken' })
  })
})

describe('the verdict on uploads', () => {
  const joined = { parts: 2, shownBefore: false, expected: 'ab', found: 'ab' }
  const part = { partNumber: 1, etag: 'x', sizeBytes: 1 }

  it('is broken when the parts are lost, mixed or seen too early', () => {
    expect(multipartFinding(joined)).toMatchObject({ verdict: 'works' })
    expect(multipartFinding({ ...joined, found: undefined })).toMatchObject({ verdict: 'broken' })
    expect(multipartFinding({ ...joined, found: 'ba' })).toMatchObject({ verdict: 'broken' })
    expect(multipartFinding({ ...joined, shownBefore: true })).toMatchObject({ verdict: 'broken' })
  })

  it('is missing where parts cannot be listed or freed, and broken where they are listed wrongly', () => {
    expect(listPartsFinding(false, { listed: [], sent: [part], reason: 'refuses it' })).toMatchObject({
      verdict: 'missing',
      detail: 'refuses it',
    })
    expect(listPartsFinding(true, { listed: [part], sent: [part], reason: undefined })).toMatchObject({
      verdict: 'works',
    })
    expect(listPartsFinding(true, { listed: [], sent: [part], reason: undefined })).toMatchObject({ verdict: 'broken' })
    expect(abortFinding(false, { gone: undefined, reason: undefined })).toMatchObject({ verdict: 'missing' })
    expect(abortFinding(true, { gone: false, reason: undefined })).toMatchObject({
      verdict: 'works',
      fix: expect.any(String),
    })
  })
})

it('metadata that was promised and lost is broken, and missing where it was not promised', async () => {
  expect(metadataFinding(false, undefined, 'forgets it')).toMatchObject({ verdict: 'missing', detail: 'forgets it' })
  expect(metadataFinding(true, undefined, undefined)).toMatchObject({ verdict: 'broken' })
})

it('objects that outlive their deletion are broken, deleting one by one is missing', () => {
  const left = { left: 0, reason: 'refuses it' }
  expect(deleteManyFinding({ batchDelete: true }, left)).toMatchObject({ verdict: 'works' })
  expect(deleteManyFinding({ batchDelete: false }, left)).toMatchObject({ verdict: 'missing', detail: 'refuses it' })
  expect(deleteManyFinding({ batchDelete: true }, { ...left, left: 2 })).toMatchObject({ verdict: 'broken' })
})

it('what could not be examined is broken, with what to do about it', () => {
  const errors = [
    new StoreUnavailable('503'),
    new StoreDenied('403'),
    new StoreFull('507'),
    new StoreMisbehaved('no length'),
    new UnsupportedByStore('NotImplemented'),
    new DOMException('late', 'TimeoutError'),
    new TypeError('ours'),
  ]
  for (const error of errors) {
    expect(failed('ranges', error), error.message).toMatchObject({
      check: 'ranges',
      verdict: 'broken',
      fix: expect.stringMatching(/\w/),
    })
  }
  expect(new Set(errors.slice(0, 5).map((error) => failed('ranges', error).fix)).size).toBe(5)
})

describe('what a store is good for', () => {
  const reached = { browsersReachStore: true }

  it('follows from what it was seen to do, less what is broken', async () => {
    const memory = await createMemoryObjectStore({ nowMs: Date.now }).capabilities({ signal })
    const capabilities = { ...memory, presign: true }
    const broken = (check: string) => ({
      capabilities,
      findings: [{ check, verdict: 'broken' as const, detail: '', fix: '' }],
    })
    const all = { processState: 'cas', links: 'store', uploads: 'resumable' }
    expect(usesOf({ capabilities, findings: [] }, reached)).toEqual(all)
    expect(usesOf({ capabilities, findings: [] }, { browsersReachStore: false })).toEqual({ ...all, links: 'service' })
    expect(usesOf(broken('conditional put'), reached)).toEqual({ ...all, processState: 'merge' })
    expect(usesOf(broken('list parts'), reached)).toEqual({ ...all, uploads: 'remembered' })
    expect(usesOf(broken('multipart'), reached)).toEqual({ ...all, uploads: 'none' })
    expect(usesOf(broken('signed URLs'), reached)).toEqual({ ...all, links: 'service' })
    expect(usesOf({ capabilities: undefined, findings: [] }, reached)).toEqual({
      processState: undefined,
      links: undefined,
      uploads: undefined,
    })
  })

  it('is one line of at most 100 columns', () => {
    for (const processState of ['cas', 'merge', undefined] as const) {
      for (const links of ['store', 'service', undefined] as const) {
        for (const uploads of ['resumable', 'remembered', 'none', undefined] as const) {
          const line = summaryLine({ processState, links, uploads })
          expect(line.length, line).toBeLessThanOrEqual(100)
          expect(line).toMatch(/^process state: .+ · links: .+ · uploads: .+$/)
        }
      }
    }
  })
})
