import { UploadNotFound } from '../../ports/errors.ts'
import type { CallOptions, MultipartUpload, Part, StoreCapabilities } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { fallbacks } from './fallbacks.ts'
import { broken, missing, works } from './finding.ts'
import { readText, type TrialFolder } from './trial-folder.ts'

/** Two parts are tried where the first may be as small as this. */
const cheapPartBytes = 64 * 1024

export interface UploadTrial {
  readonly parts: number
  /** Something could be read under the key before the upload was completed. */
  readonly shownBefore: boolean
  readonly expected: string
  readonly found: string | undefined
}

export function multipartFinding({ parts, shownBefore, expected, found }: UploadTrial): StoreFinding {
  const check = 'multipart'
  if (found !== expected) {
    const detail = found === undefined ? 'what was completed is not there' : 'the parts came back as other bytes'
    return broken(check, detail, 'do not use this store for files above 8 MiB, which are sent in parts')
  }
  if (shownBefore) {
    return broken(check, 'an upload shows before it is complete', 'do not use this store: half files would be served')
  }
  return works(check, `${parts === 1 ? 'one part' : `${parts} parts`}; invisible until complete, then all bytes`)
}

export function listPartsFinding(
  promised: boolean,
  { listed, sent, reason }: { listed: readonly Part[]; sent: readonly Part[]; reason: string | undefined },
): StoreFinding {
  const check = 'list parts'
  if (!promised) return missing(check, reason ?? 'not asked of this store', fallbacks.listParts)
  const same =
    listed.length === sent.length &&
    sent.every(({ partNumber, etag }, i) => listed[i]?.partNumber === partNumber && listed[i]?.etag === etag)
  if (same) return works(check, 'number and ETag of each part that was sent')
  return broken(check, 'lists other parts than those that were sent', 'restart the service, which then looks again')
}

export function abortFinding(
  promised: boolean,
  { gone, reason }: { gone: boolean | undefined; reason: string | undefined },
): StoreFinding {
  const check = 'abort upload'
  if (!promised) {
    const warning = 'let a lifecycle rule of the store remove uploads that are never completed'
    return { ...missing(check, reason ?? 'not asked of this store', fallbacks.abortMultipart), fix: warning }
  }
  if (gone === false) return works(check, 'accepted, but the parts are still listed', 'look for uploads that stay open')
  return works(check, gone === true ? 'frees the parts' : 'accepted')
}

/** One upload completed and one aborted. About ten calls. */
export async function examineMultipart(
  { store, key }: TrialFolder,
  options: CallOptions & {
    capabilities: StoreCapabilities
    why: (capability: 'listParts' | 'abortMultipart') => Promise<string | undefined>
  },
): Promise<StoreFinding[]> {
  const { signal, capabilities, why } = options
  const { listParts, abortMultipart, minPartBytes } = capabilities
  const subject = key('joined')
  const bodies = minPartBytes <= cheapPartBytes ? ['1'.repeat(Math.max(1, minPartBytes)), '2'] : ['1']
  const upload = await store.createMultipart(subject, { signal, contentType: 'text/plain' })
  const sent: Part[] = []
  for (const [i, body] of bodies.entries()) {
    sent.push(await store.putPart(upload, i + 1, new TextEncoder().encode(body), { signal }))
  }
  const shownBefore = (await store.head(subject, { signal })) !== undefined
  const listed = listParts ? await store.listParts(upload, { signal }) : []
  const completed = await store.completeMultipart(upload, sent, { signal, when: 'always' })
  if (completed.outcome === 'unknown') throw completed.cause
  const found = await readText(store, subject, { signal })
  const gone = abortMultipart ? await partsGo({ store, key }, capabilities, signal) : undefined
  return [
    multipartFinding({ parts: sent.length, shownBefore, expected: bodies.join(''), found }),
    listPartsFinding(listParts, { listed, sent, reason: listParts ? undefined : await why('listParts') }),
    abortFinding(abortMultipart, { gone, reason: abortMultipart ? undefined : await why('abortMultipart') }),
  ]
}

/** Whether an aborted upload is gone; `undefined` where nobody can tell. */
async function partsGo(
  { store, key }: Pick<TrialFolder, 'store' | 'key'>,
  { listParts }: StoreCapabilities,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const upload: MultipartUpload = await store.createMultipart(key('dropped'), { signal, contentType: 'text/plain' })
  await store.putPart(upload, 1, new Uint8Array(1), { signal })
  await store.abortMultipart(upload, { signal })
  if (!listParts) return undefined
  try {
    return (await store.listParts(upload, { signal })).length === 0
  } catch (error) {
    if (error instanceof UploadNotFound) return true
    throw error
  }
}
