import { access, constants, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreExaminer, StoreFinding } from '../../ports/store-finding.ts'
import { translated } from './errors.ts'
import { createLocks, loadFileLock } from './locks.ts'
import { makeFolder } from './make-folder.ts'

const GiB = 2 ** 30
/** A LoRA is some hundred megabytes, a dataset too. */
const scarceBytes = 2 * GiB

export function spaceFinding({ freeBytes, totalBytes }: { freeBytes: number; totalBytes: number }): StoreFinding {
  const check = 'free space'
  const detail = `${inGiB(freeBytes)} of ${inGiB(totalBytes)}`
  if (freeBytes === 0) return { check, verdict: 'broken', detail, fix: 'free space, or give the volume more' }
  return { check, verdict: 'works', detail, ...(freeBytes < scarceBytes && { fix: 'free space: this is soon full' }) }
}

const inGiB = (bytes: number) => `${(bytes / GiB).toFixed(1)} GiB`

/** `made`: the folders that were missing. */
export function writableFinding(made: readonly string[]): StoreFinding {
  const detail = 'both folders can be read and written'
  return {
    check: 'writable',
    verdict: 'works',
    detail: made.length === 0 ? detail : `${detail}; made ${made.join(', ')}`,
  }
}

/** Objects are moved into their place by a rename, which works within one file system only. */
export function fileSystemFinding(sameDevice: boolean): StoreFinding {
  const check = 'file system'
  if (sameDevice) return { check, verdict: 'works', detail: 'objects and our own state lie on one' }
  return {
    check,
    verdict: 'broken',
    detail: 'the objects and .lora-storage lie on two, so nothing can be stored',
    fix: 'let DATA_DIR and everything below it be one volume',
  }
}

export function locksFinding(reachOthers: boolean): StoreFinding {
  const check = 'locks'
  if (reachOthers) return { check, verdict: 'works', detail: 'the file locks of this system reach other processes' }
  return {
    check,
    verdict: 'missing',
    detail: 'this system has no file locks that reach other processes',
    instead: 'within one process writers still take turns; run one',
  }
}

/** Whether the folders are there and fit. They are made when they are missing, as the service would. */
export function createFolderExaminer(options: { readonly root: string; readonly stateDir: string }): StoreExaminer {
  const { root, stateDir } = options
  const translating = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      throw translated(error)
    }
  }
  return {
    access: [
      {
        check: 'writable',
        decisive: true,
        examine: () =>
          translating(async () => {
            const made: string[] = []
            for (const folder of [root, stateDir]) {
              made.push(...(await makeFolder(folder)))
              await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
            }
            return [writableFinding(made)]
          }),
      },
      {
        check: 'file system',
        decisive: true,
        examine: () =>
          translating(async () => {
            const [objects, state] = await Promise.all([stat(root), stat(stateDir)])
            return [fileSystemFinding(objects.dev === state.dev)]
          }),
      },
    ],
    beyondPort: [
      {
        check: 'locks',
        examine: () =>
          translating(async () => [locksFinding(await createLocks(loadFileLock).reachOthers(join(stateDir, 'locks')))]),
      },
      {
        check: 'free space',
        examine: () =>
          translating(async () => {
            const { bavail, blocks, bsize } = await statfs(root)
            return [spaceFinding({ freeBytes: bavail * bsize, totalBytes: blocks * bsize })]
          }),
      },
    ],
    fixes: {
      'store-denied':
        'let the user that runs this read, write and search DATA_DIR and all below it (owner and mode of the folders; is the volume read-only?)',
      'store-unavailable':
        'see whether a folder can be made at DATA_DIR, and whether its volume is mounted and sound, then run this again',
    },
    whyMissing: async (capability) =>
      capability.startsWith('conditional') ? 'the file locks of this system do not reach other processes' : undefined,
  }
}
