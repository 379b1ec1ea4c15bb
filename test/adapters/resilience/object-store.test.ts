import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { defaultSettings } from '../../../src/adapters/resilience/settings.ts'
import { memoryCapabilities } from '../../contract/capabilities.ts'
import { describeObjectStore } from '../../contract/object-store.ts'
import { guard } from './failing-store.ts'

describeObjectStore('resilience around memory', {
  supports: memoryCapabilities,
  async open() {
    const memory = createMemoryObjectStore({ nowMs: Date.now })
    // The suite notes checksums that are not those of its bytes.
    const open = () => guard(memory, { ...defaultSettings, completeLookFirstMs: 1 }, { verifyBodies: false })
    const [one, another] = [open(), open()]
    return { store: one.store, other: another.store, close: async () => {} }
  },
})
