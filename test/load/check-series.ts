import type { Call, Say } from './history.ts'

/** Each acknowledged report has brought its point to the series of its attempt, once, and a refused one has brought none. */
export function checkSeries(byId: ReadonlyMap<string, readonly Call[]>, say: Say): void {
  for (const [id, own] of byId) {
    const series = own.filter(({ verb, seqs }) => verb === 'series' && seqs !== undefined)
    for (const { attempt, seqs = [], worker, client } of series) {
      const found = new Set(seqs)
      if (found.size < seqs.length) say('I2', id, `${client} reads points of attempt ${attempt} twice`)
      const reports = own.filter((call) => call.verb === 'report' && call.attempt === attempt)
      const [told, refused] = [new Set<number>(), new Set<number>()]
      for (const { result, seq = -1, worker: by } of reports) {
        // Words of a second holder are kept, and are not the ones that are shown.
        if (worker !== undefined && worker !== by) continue
        if (result === 'rejected') refused.add(seq)
        else if (result !== 'unknown') told.add(seq)
      }
      for (const seq of told) {
        if (!found.has(seq)) say('I1', id, `the point of report ${seq} of attempt ${attempt} is missing`)
      }
      const open = new Set(reports.filter(({ result }) => result === 'unknown').map(({ seq }) => seq))
      for (const seq of refused) {
        if (found.has(seq) && !told.has(seq) && !open.has(seq)) {
          say('I3', id, `report ${seq} of attempt ${attempt} was refused, and its point is there`)
        }
      }
    }
  }
}
