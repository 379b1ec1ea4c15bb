import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { memoryCapabilities } from '../../contract/capabilities.ts'
import { describeObjectStore } from '../../contract/object-store.ts'

describeObjectStore('memory', {
  async open() {
    const store = createMemoryObjectStore({ nowMs: Date.now })
    return { store, other: store, async close() {} }
  },
  supports: memoryCapabilities,
})
