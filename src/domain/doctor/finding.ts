import { CodedError, UnsupportedByStore } from '../../ports/errors.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'

export const works = (check: string, detail: string, warning?: string): StoreFinding => ({
  check,
  verdict: 'works',
  detail,
  ...(warning !== undefined && { fix: warning }),
})

export const missing = (check: string, detail: string, instead: string): StoreFinding => ({
  check,
  verdict: 'missing',
  detail,
  instead,
})

export const broken = (check: string, detail: string, fix: string): StoreFinding => ({
  check,
  verdict: 'broken',
  detail,
  fix,
})

const unreachedFix = 'see whether the store is up and how the network to it is, then run this again'
const serverFixes: Readonly<Record<string, string>> = {
  'store-unavailable': unreachedFix,
  'store-denied': 'let these credentials read, write, list and delete under the prefix',
  'store-full': 'free space in the store, or give it more',
  'store-misbehaved': 'see what stands between us and the store (a proxy?), and its version',
}

/** An examination that could not be carried out to its end. `ownFixes`: advice that this kind of store needs. */
export function failed(check: string, error: unknown, ownFixes: Readonly<Record<string, string>> = {}): StoreFinding {
  const fixes = { ...serverFixes, ...ownFixes }
  if (error instanceof UnsupportedByStore) {
    return broken(check, `the store refuses it (${error.capability})`, 'use a store, or a version of it, that can')
  }
  if (error instanceof CodedError) {
    return broken(check, error.message, fixes[error.code] ?? 'run this again; if it stays, this store does not fit')
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return broken(check, 'did not end in time', fixes['store-unavailable'] ?? unreachedFix)
  }
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return broken(check, `could not be examined: ${why}`, 'run this again; if it stays, report it')
}
