import { describe, expect, it } from 'vitest'
import { findingLines, reportText } from '../../src/app/doctor/table.ts'
import type { StoreFinding } from '../../src/ports/store-finding.ts'

const plain = { colours: false }
const uses = { processState: 'merge', links: 'service', uploads: 'remembered' } as const
const long =
  'an explanation that goes on and on, in ordinary words, until it needs more than one line of the terminal to be read'

describe("the doctor's table", () => {
  const findings: StoreFinding[] = [
    { check: 'ranges', verdict: 'works', detail: long },
    { check: 'conditional complete', verdict: 'missing', detail: long, instead: long },
    { check: 'clock', verdict: 'broken', detail: `${'x'.repeat(90)} ${long}`, fix: long },
    { check: 'signed URLs', verdict: 'works', detail: 'short', fix: long },
  ]

  it('fits into 100 columns, but for words that do not', () => {
    for (const line of findings.flatMap((finding) => findingLines(finding, plain))) {
      if (!line.includes('x'.repeat(90))) expect(line.length, line).toBeLessThanOrEqual(100)
    }
  })

  it('loses no word', () => {
    const words = findingLines(findings[1] ?? never(), plain)
      .join(' ')
      .split(/\s+/)
    expect(words.join(' ')).toBe(`missing conditional complete ${long} → ${long}`)
  })

  it('shows beneath each finding what is done instead, what to fix, and what to look at', () => {
    const text = reportText(
      [{ holds: 'everything', place: 'memory', findings, complete: true, capabilities: undefined }],
      uses,
      plain,
    )
    expect(text).toMatch(/^everything in memory\n\nworks {4}ranges {16}an explanation/)
    expect(text).toContain('→ an explanation')
    expect(text).toContain('✗ fix: an explanation')
    expect(text).toContain('! an explanation')
    expect(text.split('\n').at(-1)).toBe(
      'process state: merge (no takeover) · links: ours · uploads: resumable (own part list)',
    )
  })

  it('has colours only where they are wanted', () => {
    const colour = '\u001b'
    for (const finding of findings) {
      expect(findingLines(finding, plain).join('')).not.toContain(colour)
      expect(findingLines(finding, { colours: true }).join('')).toContain(colour)
    }
  })
})

function never(): never {
  throw new Error('not there')
}
