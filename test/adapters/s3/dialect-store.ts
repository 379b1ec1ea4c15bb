import { createS3Client } from '../../../src/adapters/s3/client.ts'
import { type DialectName, dialectOf } from '../../../src/adapters/s3/dialect.ts'
import { createS3ObjectStore } from '../../../src/adapters/s3/object-store.ts'
import { createIds } from '../../../src/adapters/web-crypto/ids.ts'
import type { ObjectStore, StoreCapabilities } from '../../../src/ports/object-store.ts'
import { type FakeS3, type FakeS3Options, startFakeS3 } from '../../faults/fake-s3/fake-s3.ts'

export interface DialectStore {
  readonly fake: FakeS3
  /** Another handle onto the same objects. */
  open(known?: Partial<StoreCapabilities>): ObjectStore
  close(): Promise<void>
}

const ids = createIds()

/** A fake server of a profile, and stores that speak its dialect. */
export async function startDialect(profile: DialectName, quirks?: FakeS3Options['quirks']): Promise<DialectStore> {
  const fake = await startFakeS3({ profile, ...(quirks && { quirks }) })
  const client = createS3Client({ endpoint: fake.origin, region: fake.region, credentials: fake.credentials })
  const dialect = dialectOf(profile, fake.origin)
  return {
    fake,
    open: (known = {}) => createS3ObjectStore({ client, bucket: fake.bucket, prefix: 'lora', ids, dialect, known }),
    async close() {
      client.destroy()
      await fake.stop()
    },
  }
}
