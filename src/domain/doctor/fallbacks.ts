import type { StoreCapabilities } from '../../ports/object-store.ts'

type Fallible = Exclude<keyof StoreCapabilities, 'minPartBytes' | 'maxPartBytes' | 'maxParts'>

const beside = 'content types and checksums are kept in small objects of ours beside each object'

/** What we do where a store cannot: said openly, so that nobody takes the fallback for the promise. */
export const fallbacks: Readonly<Record<Fallible, string>> = {
  conditionalPut: 'we look before we write; two instances that race may both win (processes say sync: merge)',
  conditionalComplete: 'we look before we complete; two instances that race may both win',
  conditionalDelete: 'we look before we delete; a write in between may be deleted',
  batchDelete: 'objects are deleted one by one',
  listParts: 'parts are remembered by us and not asked of the store',
  abortMultipart: 'parts of abandoned uploads stay until the store removes them',
  objectMetadata: beside,
  metadataBeside: beside,
  presign: 'links are signed by us and the bytes pass through us',
}
