import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { defaultSettings } from '../../../src/adapters/resilience/settings.ts'
import { describeObjectStore } from '../../contract/object-store.ts'
import { guard, memoryCapabilities } from './failing-store.ts'

describeObjectStore('resilience around memory', {
  supports: memoryCapabilities,
  async open() {
    const memory = createMemoryObjectStore({ nowMs: Date.now })
    const [one, another] = [guard(memory, defaultSettings), guard(memory, defaultSettings)]
    return { store: one.store, other: another.store, close: async () => {} }
  },
})
