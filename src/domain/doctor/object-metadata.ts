import type { CallOptions, ObjectMeta, StoreCapabilities } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { fallbacks } from './fallbacks.ts'
import { broken, missing, works } from './finding.ts'
import type { TrialFolder } from './trial-folder.ts'

const check = 'metadata'
const facts = {
  contentType: 'text/x-probe',
  checksums: { crc32: '0a1b2c3d', sha256: '0a1b2c3d'.repeat(8) },
  attributes: { probe: 'yes' },
} as const

export function metadataFinding(
  promised: boolean,
  meta: ObjectMeta | undefined,
  reason: string | undefined,
): StoreFinding {
  if (!promised)
    return missing(check, reason ?? 'the store forgets what it is told of an object', fallbacks.objectMetadata)
  const kept =
    meta?.contentType === facts.contentType &&
    meta.checksums?.crc32 === facts.checksums.crc32 &&
    meta.checksums.sha256 === facts.checksums.sha256 &&
    meta.attributes.probe === facts.attributes.probe
  if (kept) return works(check, 'content type, checksums and attributes come back')
  return broken(
    check,
    'what the store was told of an object did not come back',
    'restart the service, which then looks again',
  )
}

/** Two calls. */
export async function examineMetadata(
  { store, key }: TrialFolder,
  { signal, capabilities, reason }: CallOptions & { capabilities: StoreCapabilities; reason: string | undefined },
): Promise<StoreFinding[]> {
  if (!capabilities.objectMetadata) return [metadataFinding(false, undefined, reason)]
  const subject = key('metadata')
  await store.put(subject, new Uint8Array(1), { signal, when: 'always', ...facts })
  return [metadataFinding(true, await store.head(subject, { signal }), undefined)]
}
