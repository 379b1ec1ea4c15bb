import type { CallOptions, StoreCapabilities } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { fallbacks } from './fallbacks.ts'
import { broken, missing, works } from './finding.ts'
import { putPlain, type TrialFolder } from './trial-folder.ts'

const keysDeleted = 5

export function deleteManyFinding(
  { batchDelete }: Pick<StoreCapabilities, 'batchDelete'>,
  { left, reason }: { left: number; reason: string | undefined },
): StoreFinding {
  const check = 'batch delete'
  if (left > 0) {
    return broken(check, `${left} of ${keysDeleted} objects are still there`, 'let these credentials delete objects')
  }
  if (batchDelete) return works(check, 'several keys in one request')
  return missing(check, reason ?? 'not several keys in one request', fallbacks.batchDelete)
}

/** About eleven calls. */
export async function examineDeleteMany(
  { store, key }: TrialFolder,
  { signal, capabilities, reason }: CallOptions & { capabilities: StoreCapabilities; reason: string | undefined },
): Promise<StoreFinding[]> {
  const keys = Array.from({ length: keysDeleted }, (_, i) => key(`many-${i}`))
  for (const each of keys) await putPlain(store, each, 'x', { signal })
  const results = await store.deleteMany(keys, { signal })
  const heads = await Promise.all(keys.map((each) => store.head(each, { signal })))
  const left = keys.filter((_, i) => results[i]?.error !== undefined || heads[i] !== undefined).length
  return [deleteManyFinding(capabilities, { left, reason })]
}
