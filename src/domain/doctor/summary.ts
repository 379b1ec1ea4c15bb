import type { StoreCapabilities } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'

export interface StoreUses {
  /** Whether racing writers of process state are decided between. `undefined`: could not be found out. */
  readonly processState: 'cas' | 'merge' | undefined
  /** Whose URLs browsers get. */
  readonly links: 'store' | 'service' | undefined
  /** `resumable`: parts can be asked for. `remembered`: only we know them. `none`: files above 8 MiB cannot be stored. */
  readonly uploads: 'resumable' | 'remembered' | 'none' | undefined
}

/** What a store that was examined is good for. */
export function usesOf(
  { capabilities, findings }: { capabilities: StoreCapabilities | undefined; findings: readonly StoreFinding[] },
  { browsersReachStore }: { browsersReachStore: boolean },
): StoreUses {
  if (capabilities === undefined) return { processState: undefined, links: undefined, uploads: undefined }
  const isBroken = (check: string) => findings.some((one) => one.check === check && one.verdict === 'broken')
  const decides = capabilities.conditionalPut === 'atomic' && !isBroken('conditional put')
  const signs = capabilities.presign && browsersReachStore && !isBroken('signed URLs')
  const lists = capabilities.listParts && !isBroken('list parts')
  return {
    processState: decides ? 'cas' : 'merge',
    links: signs ? 'store' : 'service',
    uploads: isBroken('multipart') ? 'none' : lists ? 'resumable' : 'remembered',
  }
}

const words = {
  cas: 'cas',
  merge: 'merge (no takeover)',
  store: "store's own",
  service: 'ours',
  resumable: 'resumable',
  remembered: 'resumable (own part list)',
  none: 'none above 8 MiB',
} as const

const word = (name: keyof typeof words | undefined) => (name === undefined ? 'unknown' : words[name])

/** The one line that an operator looks for, of less than 100 columns. */
export function summaryLine({ processState, links, uploads }: StoreUses): string {
  return `process state: ${word(processState)} · links: ${word(links)} · uploads: ${word(uploads)}`
}
