import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { describeObjectStore } from '../../contract/object-store.ts'

describeObjectStore('memory', {
  async open() {
    const store = createMemoryObjectStore({ nowMs: Date.now })
    return { store, other: store, async close() {} }
  },
  supports: {
    conditionalPut: 'atomic',
    conditionalComplete: 'atomic',
    conditionalDelete: 'atomic',
    batchDelete: true,
    listParts: true,
    abortMultipart: true,
    objectMetadata: true,
    presign: false,
    minPartBytes: 1,
    maxPartBytes: 2 ** 30,
    maxParts: 10_000,
  },
})
