import { describe } from 'vitest'
import { describeConditions } from './object-store/conditions.ts'
import { describeDeletes } from './object-store/deletes.ts'
import { type ObjectStoreHarness, storeTests } from './object-store/harness.ts'
import { describeKeys } from './object-store/keys.ts'
import { describeListing } from './object-store/listing.ts'
import { describeMultipart } from './object-store/multipart.ts'
import { describeRanges } from './object-store/ranges.ts'
import { describeRoundTrip } from './object-store/round-trip.ts'
import { describeSignals } from './object-store/signals.ts'

export type { ObjectStoreHarness, OpenStore, StoreGaps } from './object-store/harness.ts'

/**
 * What `ObjectStore` promises, for every adapter and every decorator. Capabilities and gaps choose between two tests,
 * the promise or the honest refusal; they never leave one out. Needs nothing of Node, so it also runs on Workers.
 */
export function describeObjectStore(name: string, harness: ObjectStoreHarness): void {
  const test = storeTests(harness)
  describe(`${name} as an ObjectStore`, () => {
    describeRoundTrip(test)
    describeKeys(test)
    describeConditions(test, harness)
    describeRanges(test)
    describeDeletes(test, harness)
    describeListing(test)
    describeMultipart(test, harness)
    describeSignals(test)
  })
}
