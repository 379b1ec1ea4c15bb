import { describe, expect, it } from 'vitest'
import type { Digests } from '../../src/ports/digests.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

// RFC 6234, the catalogue of CRC algorithms ("check" of CRC-32/ISO-HDLC) and RFC 1321; all of them are published values.
const known = [
  [
    '',
    '00000000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'd41d8cd98f00b204e9800998ecf8427e',
  ],
  [
    'abc',
    '352441c2',
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    '900150983cd24fb0d6963f7d28e17f72',
  ],
  [
    '123456789',
    'cbf43926',
    '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
    '25f9e794323b453885f5181f1b624d0b',
  ],
] as const

/** What `Digests` promises. */
export function describeDigests(name: string, create: () => Digests): void {
  describe(`${name} as Digests`, () => {
    it('agrees with the published values', () => {
      const digests = create()
      for (const [text, crc32, sha256, md5] of known) {
        expect(digests.sha256(bytes(text))).toBe(sha256)
        expect(digests.md5(bytes(text))).toBe(md5)
        expect(digests.crc32(bytes(text))).toBe(Number.parseInt(crc32, 16))
        const running = digests.start()
        running.update(bytes(text))
        expect(running.read()).toEqual({ crc32, sha256 })
      }
    })

    it('does not care where the bytes were cut, nor about other digests that run beside it', () => {
      const digests = create()
      const [one, other] = [digests.start(), digests.start()]
      other.update(bytes('something else'))
      for (const piece of ['1234', '', '5', '6789']) one.update(bytes(piece))
      expect(one.read()).toEqual({ crc32: known[2][1], sha256: known[2][2] })
      expect(digests.start().read()).toEqual({ crc32: known[0][1], sha256: known[0][2] })
    })

    it('continues a CRC-32 from the one of the bytes before, as an unsigned number', () => {
      const digests = create()
      expect(digests.crc32(bytes('6789'), digests.crc32(bytes('12345')))).toBe(0xcbf43926)
      expect(digests.crc32(bytes(''), 0xcbf43926)).toBe(0xcbf43926)
    })

    it('reads a view and nothing around it', () => {
      const whole = bytes('xxabcxx')
      expect(create().sha256(whole.subarray(2, 5))).toBe(known[1][2])
      expect(create().crc32(whole.subarray(2, 5))).toBe(0x352441c2)
    })
  })
}
