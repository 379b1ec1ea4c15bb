import { describe, expect, it } from 'vitest'
import type { Ids } from '../../src/ports/ids.ts'
import { segmentFault } from '../../src/ports/object-key.ts'

/** What `Ids` promises. */
export function describeIds(name: string, create: () => Ids): void {
  describe(`${name} as Ids`, () => {
    it('makes ids that fit into keys and never repeats one', () => {
      const [one, other] = [create(), create()]
      const ids = Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? one : other).next())
      for (const id of ids) expect(id).toMatch(/^[0-9a-z]{26}$/)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.map(segmentFault).filter((fault) => fault !== undefined)).toEqual([])
    })

    it('varies every character but the last as much as any other', () => {
      const ids = Array.from({ length: 2000 }, create().next)
      for (let place = 0; place < 25; place++) {
        // 16 bits or more a place would be seen: each of 32 characters is expected 62 times.
        expect(new Set(ids.map((id) => id.charAt(place))).size).toBeGreaterThanOrEqual(30)
      }
    })

    it('draws fractions from 0 up to but not including 1', () => {
      const { fraction } = create()
      const drawn = Array.from({ length: 1000 }, () => fraction())
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...drawn)).toBeLessThan(1)
      expect(new Set(drawn).size).toBeGreaterThan(900)
    })
  })
}
