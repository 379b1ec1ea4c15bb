import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combineCrc32 } from '../../../src/domain/object/crc32-combine.ts'

describe('the combination of two CRC-32s', () => {
  it('is the CRC-32 of all their bytes, wherever they are parted', () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(combineCrc32(crc32(a), crc32(b), b.byteLength)).toBe(crc32(Buffer.concat([a, b])))
      }),
    )
  })

  it('leaves things as they are where one of them has no byte', () => {
    const value = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(value, (crc) => {
        expect(combineCrc32(crc, 0, 0)).toBe(crc)
        expect(combineCrc32(0, crc, 2 ** 40)).toBe(crc)
      }),
    )
  })

  it('does not depend on how three are put together, at any length of an object', () => {
    const value = fc.integer({ min: 0, max: 0xffff_ffff })
    const size = fc.integer({ min: 0, max: 2 ** 45 })
    fc.assert(
      fc.property(value, value, value, size, size, (a, b, c, bBytes, cBytes) => {
        const leftFirst = combineCrc32(combineCrc32(a, b, bBytes), c, cBytes)
        expect(combineCrc32(a, combineCrc32(b, c, cBytes), bBytes + cBytes)).toBe(leftFirst)
      }),
    )
  })

  it('is right above 4 GiB', () => {
    const blockBytes = 2 ** 24
    const block = crc32(Buffer.alloc(blockBytes))
    let stepwise = crc32('before')
    for (let done = 0; done < 2 ** 33; done += blockBytes) stepwise = combineCrc32(stepwise, block, blockBytes)
    let zeros = block
    for (let sizeBytes = blockBytes; sizeBytes < 2 ** 33; sizeBytes *= 2) zeros = combineCrc32(zeros, zeros, sizeBytes)
    expect(combineCrc32(crc32('before'), zeros, 2 ** 33)).toBe(stepwise)
  })
})
