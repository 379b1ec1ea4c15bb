import { CodedError, StoreDenied, StoreFull, StoreUnavailable } from '../../ports/errors.ts'

const full = new Set(['ENOSPC', 'EDQUOT'])

// EXDEV: the state folder lies on another file system. ENAMETOOLONG, EILSEQ, EINVAL: this file system cannot have the name.
const denied = new Set(['EACCES', 'EPERM', 'EROFS', 'EXDEV', 'EFBIG', 'ENAMETOOLONG', 'EILSEQ', 'EINVAL'])

/** The system's name of what went wrong (`ENOENT`, …), or `undefined` when it is not an error of the system. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined
}

// Nothing can be behind a name that is too long, nor behind links that go in a circle.
const absent = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'])

/** Whether nothing is there: the file, or a folder on the way to it. */
export function isAbsence(error: unknown): boolean {
  return absent.has(systemCode(error) ?? '')
}

/**
 * The one translation of the system's errors into the port's. What is neither is a bug of ours and stays what it is. For
 * failures before the one step that shows a write: those after it are `maybeDone`.
 */
export function translated(error: unknown): unknown {
  if (error instanceof CodedError) return error
  const code = systemCode(error)
  if (code === undefined) return error
  if (full.has(code)) return new StoreFull('no space left in the folder', { cause: error })
  if (denied.has(code)) return new StoreDenied(`the file system refuses it (${code})`, { cause: error })
  return new StoreUnavailable(`the file system failed (${code})`, { cause: error, effect: 'never-sent' })
}

export function maybeDone(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error
  return new StoreUnavailable('written, but perhaps not to the disk', { cause: error, effect: 'maybe-sent' })
}
