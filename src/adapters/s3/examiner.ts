import type { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from '../../ports/clock.ts'
import { parseObjectKey } from '../../ports/object-key.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreExaminer } from '../../ports/store-finding.ts'
import { openBucket } from './bucket.ts'
import type { Dialect } from './dialect.ts'
import { type Access, clockFinding, credentialsFinding, lookAtAccess, reachFinding } from './examine-access.ts'
import { examineChecksums } from './examine-checksums.ts'
import { examineCors } from './examine-cors.ts'
import { lookAtSignedUrls, type SignedUrlsSeen, signedUrlsFinding } from './examine-signed-urls.ts'
import { type ProbeResult, probeCapabilities } from './probe.ts'

export interface S3ExaminerOptions {
  /** From `createS3Client`. */
  readonly client: S3Client
  readonly bucket: string
  /** As given to `createS3ObjectStore`. */
  readonly prefix: string
  readonly nonce: string
  readonly clock: Pick<Clock, 'nowMs'>
  /** The origin of the pages from which browsers would use signed URLs. */
  readonly pagesOrigin: string
  /** Whether the endpoint is reached by TLS. */
  readonly encrypted: boolean
  readonly dialect: Dialect
}

/** What the port cannot ask of a bucket: access, clocks, signatures, checksums on the way, browsers. */
export function createS3Examiner(options: S3ExaminerOptions): StoreExaminer {
  const { nonce, clock, pagesOrigin, encrypted, dialect } = options
  const bucket = openBucket(options)
  const key = (name: string) => parseObjectKey(`.probe/${nonce}/${name}`)
  let seen: Access | undefined
  let signed: SignedUrlsSeen | undefined
  let probed: ProbeResult | undefined
  // Nothing is taken as known: whoever asks why wants to hear what the server does.
  const probe = async ({ signal }: CallOptions): Promise<ProbeResult> => {
    probed ??= await probeCapabilities(bucket, { known: {}, nonce, signal })
    return probed
  }
  return {
    access: [
      {
        check: 'reach',
        decisive: true,
        async examine({ signal }) {
          seen = await lookAtAccess(bucket, key('absent'), { signal, clock })
          const credentials = credentialsFinding(seen)
          return [reachFinding(seen), ...(credentials === undefined ? [] : [credentials])]
        },
      },
      {
        check: 'clock',
        async examine() {
          if (seen?.clock === undefined) return []
          return [clockFinding(seen.clock.skewMs, { ...seen.clock, windowMs: dialect.clockWindowMs })]
        },
      },
    ],
    beyondPort: [
      {
        check: 'signed URLs',
        async examine(call) {
          signed = await lookAtSignedUrls(bucket, key('signed'), call)
          return signedUrlsFinding(signed)
        },
      },
      { check: 'checksums', examine: ({ signal }) => examineChecksums(bucket, key, { signal, encrypted }) },
      {
        check: 'CORS',
        // Nobody is sent to a store whose URLs open nothing.
        examine: async ({ signal }) =>
          signed?.get === 200 ? examineCors(bucket, key('signed'), { signal, origin: pagesOrigin }) : [],
      },
    ],
    whyMissing: async (capability, call) => (await probe(call)).reasons[capability],
  }
}
