import type { Clock } from '../../ports/clock.ts'
import type { Disposition, LinkSigner } from '../../ports/link-signer.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ObjectMeta, ObjectStore } from '../../ports/object-store.ts'
import { mapConcurrently } from '../map-concurrently.ts'

export interface DownloadLink {
  readonly key: ObjectKey
  readonly url: string
  readonly expiresAt: Date
  readonly sizeBytes: number
  /** Who serves the bytes: the store by a presigned URL, or we. */
  readonly via: 'store' | 'api'
}

export interface CreateLinksDeps {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly apiLinks: LinkSigner
  /** The store's own presigned URLs; `undefined` where there is no such thing. Used only when the store was seen to honour them. */
  readonly storeLinks: LinkSigner | undefined
}

const headsInFlight = 16

/** The store's own links, for attachments, where it was seen to honour them. */
export async function usableStoreLinks(
  { store, storeLinks }: Pick<CreateLinksDeps, 'store' | 'storeLinks'>,
  options: CallOptions,
): Promise<LinkSigner | undefined> {
  return storeLinks !== undefined && (await store.capabilities(options)).presign ? storeLinks : undefined
}

export interface LinkOptions extends CallOptions {
  readonly expiresInSeconds: number
  readonly disposition: Disposition
  /** Default: the last part of the key. */
  readonly filename: string | undefined
}

/** Costs one HEAD per key. Inline links are always ours, because only we can send the headers that make them safe. */
export async function createLinks(
  deps: CreateLinksDeps,
  keys: readonly ObjectKey[],
  options: LinkOptions,
): Promise<{ links: DownloadLink[]; missing: ObjectKey[] }> {
  const { store } = deps
  const { signal } = options
  const unique = [...new Set(keys)]
  const heads = await mapConcurrently(unique, headsInFlight, (key) => store.head(key, { signal }))
  const seen = heads.filter((meta) => meta !== undefined)
  return { links: await linksTo(deps, seen, options), missing: unique.filter((_, index) => heads[index] === undefined) }
}

/** Of objects that were just seen, in their order. Costs nothing of the store. */
export async function linksTo(
  { store, clock, apiLinks, storeLinks }: CreateLinksDeps,
  seen: readonly Pick<ObjectMeta, 'key' | 'sizeBytes'>[],
  options: LinkOptions,
): Promise<DownloadLink[]> {
  const { signal, expiresInSeconds, disposition } = options
  const ofStore = disposition === 'attachment' ? await usableStoreLinks({ store, storeLinks }, { signal }) : undefined
  // Whole seconds, rounded down: what is signed is what is said.
  const expiresAt = new Date((Math.floor(clock.nowMs() / 1000) + expiresInSeconds) * 1000)
  return await Promise.all(
    seen.map(async ({ key, sizeBytes }): Promise<DownloadLink> => {
      const filename = options.filename ?? key.slice(key.lastIndexOf('/') + 1)
      const url = await (ofStore ?? apiLinks).sign({
        purpose: 'object',
        subject: key,
        expiresAt,
        disposition,
        filename,
      })
      return { key, url, expiresAt, sizeBytes, via: ofStore ? 'store' : 'api' }
    }),
  )
}
