import { NotFound } from '../../../domain/errors.ts'
import type { Lists } from '../../../domain/lists.ts'
import type { ProcessLedger, ReadProcess } from '../../../domain/process/process-ledger.ts'
import type { Result } from '../../../domain/result/result.ts'
import type { Digests } from '../../../ports/digests.ts'
import type { DashboardCall } from './call.ts'
import { fileRow, isImage, isLora, modelRow } from './file-row.ts'
import { knownId } from './jobs.ts'
import { keepAnswers, sendKept } from './kept-answer.ts'
import { processRow } from './process-row.ts'

export interface ListCallDeps {
  readonly lists: Lists
  readonly ledger: Pick<ProcessLedger, 'read'>
  readonly digests: Digests
  /** Before the keys of the store, as the folder is called on a mounted volume. */
  readonly storePrefix: string
}

/** What the dashboard polls. Each list is written once for all who see the same, row by row what has changed. */
export function listCalls({ lists, ledger, digests, storePrefix }: ListCallDeps): DashboardCall[] {
  const rows = keepRows((process: ReadProcess) => JSON.stringify(processRow(process, { storePrefix })))
  const processList = keepAnswers(digests, (processes: readonly ReadProcess[]) => `{"processes":[${rows(processes)}]}`)
  const fileList = keepAnswers(digests, (results: readonly Result[]) => {
    const listed = (of: (result: Result) => boolean) =>
      results.filter(of).map((result) => fileRow(result, { storePrefix }))
    const lora_files = listed(isLora)
    const image_files = listed(isImage)
    const total_files = lora_files.length + image_files.length
    return JSON.stringify({ success: true, data: { lora_files, image_files, total_files } })
  })
  const modelList = keepAnswers(digests, ({ results, processes }: Made) => {
    const trainedBy = new Map(processes.map(({ state }) => [state.id, state]))
    const models = results
      .filter(isLora)
      .map((result) => modelRow(result, trainedBy.get(result.process), { storePrefix }))
    return JSON.stringify({ models })
  })
  const together = createPairs()

  return [
    {
      method: 'GET',
      path: '/processes',
      answer: async (c) => sendKept(c, processList(await lists.processes({ signal: c.var.signal }))),
    },
    {
      method: 'GET',
      path: '/processes/:id',
      async answer(c) {
        const found = await ledger.read(knownId(c.req.param('id')), { signal: c.var.signal })
        if (found === undefined) throw new NotFound('no such process')
        return c.json({ success: true, data: processRow(found, { storePrefix }) })
      },
    },
    {
      method: 'GET',
      path: '/lora',
      async answer(c) {
        const { signal } = c.var
        const [results, processes] = await Promise.all([lists.results({ signal }), lists.processes({ signal })])
        return sendKept(c, modelList(together(results, processes)))
      },
    },
    {
      method: 'GET',
      path: '/files/list',
      answer: async (c) => sendKept(c, fileList(await lists.results({ signal: c.var.signal }))),
    },
  ]
}

interface Made {
  readonly results: readonly Result[]
  readonly processes: readonly ReadProcess[]
}

/** The same pair for the same two. */
function createPairs(): (results: Made['results'], processes: Made['processes']) => Made {
  let last: Made | undefined
  return (results, processes) => {
    if (last?.results !== results || last.processes !== processes) last = { results, processes }
    return last
  }
}

/** Rows joined by commas, each written anew only when its version is another. */
function keepRows(write: (process: ReadProcess) => string): (processes: readonly ReadProcess[]) => string {
  let kept = new Map<string, string>()
  return (processes) => {
    const next = new Map<string, string>()
    for (const process of processes) {
      const version = `${process.state.id} ${process.etag}`
      next.set(version, kept.get(version) ?? write(process))
    }
    kept = next
    return [...next.values()].join(',')
  }
}
