import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planParts } from '../../../src/domain/object/part-size.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30
const amazon = { minPartBytes: 5 * MiB, maxPartBytes: 95 * MiB, maxParts: 10_000 }
const runPod = { minPartBytes: 16 * MiB, maxPartBytes: 95 * MiB, maxParts: 1000 }

describe('the parts of an object', () => {
  it.each([
    [amazon, undefined, 8],
    [amazon, 1, 8],
    [amazon, 8 * GiB, 9],
    [amazon, 500 * GiB, 95],
    [runPod, undefined, 16],
    [runPod, 1, 16],
    [runPod, 15 * GiB, 16],
    [runPod, 60 * GiB, 62],
    [runPod, 64 * GiB, 66],
    [runPod, 92 * GiB, 95],
  ])('of %o for %s bytes have %i MiB', (store, sizeBytes, mebibytes) => {
    expect(planParts(sizeBytes, store).partBytes).toBe(mebibytes * MiB)
  })

  it('are always taken, and always enough', () => {
    const store = fc.record({
      minPartBytes: fc.integer({ min: 1, max: 16 * MiB }),
      maxPartBytes: fc.integer({ min: 16 * MiB, max: 5 * GiB }),
      maxParts: fc.integer({ min: 1, max: 10_000 }),
    })
    fc.assert(
      fc.property(store, fc.double({ min: 0, max: 1, noNaN: true }), (limits, share) => {
        const sizeBytes = Math.floor(share * limits.maxPartBytes * limits.maxParts)
        const { partBytes, objectBytesMax } = planParts(sizeBytes, limits)
        expect(partBytes).toBeGreaterThanOrEqual(limits.minPartBytes)
        expect(partBytes).toBeLessThanOrEqual(limits.maxPartBytes)
        expect(objectBytesMax).toBe(partBytes * limits.maxParts)
        expect(objectBytesMax).toBeGreaterThanOrEqual(sizeBytes)
      }),
    )
  })

  it('are refused where they would be too many', () => {
    expect(() => planParts(95 * MiB * 1000 + 1, runPod)).toThrow(expect.objectContaining({ code: 'too-large' }))
  })
})
