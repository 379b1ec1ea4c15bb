import { RangeNotSatisfiable } from '../../ports/errors.ts'
import type { CallOptions, Range } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { broken, works } from './finding.ts'
import { putPlain, type TrialFolder } from './trial-folder.ts'

const body = '0123456789abcdefghijklmnopqrstuvwxyz'

export interface RangeTrial {
  readonly name: string
  readonly range: Range
  /** `refused`: not one byte of it exists. */
  readonly expected: string | 'refused'
}

export const rangeTrials: readonly RangeTrial[] = [
  { name: 'a-b', range: { offset: 3, length: 4 }, expected: body.slice(3, 7) },
  { name: 'one byte', range: { offset: 0, length: 1 }, expected: body.slice(0, 1) },
  { name: 'a-', range: { offset: 30 }, expected: body.slice(30) },
  { name: 'suffix', range: { suffixLength: 5 }, expected: body.slice(-5) },
  { name: 'past the end', range: { offset: 30, length: 100 }, expected: body.slice(30) },
  { name: 'behind the end', range: { offset: body.length }, expected: 'refused' },
]

export function rangesFinding(found: readonly { readonly trial: RangeTrial; readonly got: string }[]): StoreFinding {
  const check = 'ranges'
  const wrong = found.filter(({ trial, got }) => trial.expected !== got)
  if (wrong.length === 0) return works(check, found.map(({ trial }) => trial.name).join(', '))
  const [first] = wrong
  return broken(
    check,
    `wrong bytes for ${wrong.map(({ trial }) => trial.name).join(', ')} (${first?.got} instead of ${first?.trial.expected})`,
    'do not use this store: downloads that are resumed, and zips, would be corrupt',
  )
}

/** Seven calls. */
export async function examineRanges({ store, key }: TrialFolder, { signal }: CallOptions): Promise<StoreFinding[]> {
  const subject = key('ranges')
  await putPlain(store, subject, body, { signal })
  const found: { trial: RangeTrial; got: string }[] = []
  for (const trial of rangeTrials) {
    const got = await store.get(subject, { signal, range: trial.range }).then(
      (one) => (one === undefined ? 'nothing' : new Response(one.body).text()),
      (error: unknown) => {
        if (error instanceof RangeNotSatisfiable) return 'refused'
        throw error
      },
    )
    found.push({ trial, got })
  }
  return [rangesFinding(found)]
}
