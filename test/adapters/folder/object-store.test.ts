import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFolderObjectStore } from '../../../src/adapters/folder/object-store.ts'
import type { StoreCapabilities } from '../../../src/ports/object-store.ts'
import { memoryCapabilities } from '../../contract/capabilities.ts'
import { describeObjectStore } from '../../contract/object-store.ts'

const supports: StoreCapabilities = memoryCapabilities

describeObjectStore('folder', {
  open: () => openFolder(),
  supports,
  // A file and a folder cannot have one name.
  gaps: { keyConflicts: true },
})

describeObjectStore('folder without file locks', {
  open: () => openFolder({ loadFileLock: async () => undefined }),
  supports: { ...supports, conditionalPut: 'checked', conditionalComplete: 'checked', conditionalDelete: 'checked' },
  gaps: { keyConflicts: true },
})

async function openFolder(options: { loadFileLock?: () => Promise<undefined> } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'lora-folder-'))
  const open = () =>
    createFolderObjectStore({ root: join(data, 'prefix'), stateDir: join(data, '.state'), nowMs: Date.now, ...options })
  return {
    store: open(),
    other: open(),
    close: () => rm(data, { recursive: true, force: true, maxRetries: 3 }),
  }
}
