import type { StoreReport } from '../../domain/doctor/examine-store.ts'
import { type StoreUses, summaryLine } from '../../domain/doctor/summary.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'

const verdictColumns = 9
const checkColumns = 22
const widest = 100

export interface TableOptions {
  /** Whether verdicts are coloured, as only a terminal shows. */
  readonly colours: boolean
}

export interface ReportedStore extends StoreReport {
  readonly holds: string
  readonly place: string
}

const colourOf: Readonly<Record<StoreFinding['verdict'], number>> = { works: 32, missing: 33, broken: 31 }

/** What was found, for a terminal of 100 columns. Ends with what the stores are good for. */
export function reportText(stores: readonly ReportedStore[], uses: StoreUses, options: TableOptions): string {
  const blocks = stores.map(({ holds, place, findings }) =>
    [`${holds} in ${place}`, '', ...findings.flatMap((finding) => findingLines(finding, options)), ''].join('\n'),
  )
  return [...blocks, summaryLine(uses)].join('\n')
}

/** The finding beside its verdict; beneath it what is done instead, and what to change. */
export function findingLines(
  { check, verdict, detail, instead, fix }: StoreFinding,
  { colours }: TableOptions,
): string[] {
  const indent = ' '.repeat(verdictColumns + checkColumns)
  const body = [
    ...wrapped(detail, widest - indent.length),
    ...(instead === undefined ? [] : arrowed('→ ', instead, indent)),
    ...(fix === undefined ? [] : arrowed(verdict === 'broken' ? '✗ fix: ' : '! ', fix, indent)),
  ]
  const word = verdict.padEnd(verdictColumns)
  const head = `${colours ? `\u001b[${colourOf[verdict]}m${word}\u001b[0m` : word}${check.padEnd(checkColumns)}`
  return body.map((line, i) => (i === 0 ? `${head}${line}` : `${indent}${line}`))
}

function arrowed(sign: string, text: string, indent: string): string[] {
  const lines = wrapped(text, widest - indent.length - sign.length)
  return lines.map((line, i) => `${i === 0 ? sign : ' '.repeat(sign.length)}${line}`)
}

/** Broken between words; a longer word has a line of its own. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
