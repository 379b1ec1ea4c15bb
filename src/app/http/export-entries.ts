import type { ManifestEntry } from '../../domain/export/manifest.ts'
import { demandVersion } from '../../domain/export/verify-sources.ts'
import { usableStoreLinks } from '../../domain/link/create-links.ts'
import { LinkInvalid } from '../../ports/errors.ts'
import type { LinkGrant, LinkSigner } from '../../ports/link-signer.ts'
import type { AppContext } from './context.ts'
import { demandExport, type ServeExportDeps } from './serve-export.ts'
import { serveObject } from './serve-object.ts'

/** Under which all files of an export are: one signature for all of them, as the holder may read them all. */
export const entriesName = 'entries'

/** For how long a URL of the store's is good that is made when somebody follows ours. */
const storeLinkMs = 15 * 60_000

/** The name of a file without its folders. */
export function fileNameOf({ name }: ManifestEntry): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/**
 * One file of an export in the version that was frozen, or `ExportStale`. Where the store signs URLs that browsers can use,
 * a GET is answered with 302 to one, after a look at the object's version.
 */
export function serveExportEntry(
  deps: ServeExportDeps & { readonly storeLinks: LinkSigner | undefined },
): (c: AppContext, grant: LinkGrant, place: { index: string; name: string }) => Promise<Response> {
  const { store, clock } = deps
  return async (c, grant, { index, name }) => {
    const { signal } = c.var
    const { manifest } = await demandExport(deps, grant.subject, signal)
    const entry = /^(?:0|[1-9]\d{0,6})$/.test(index) ? manifest.entries[Number(index)] : undefined
    if (entry === undefined || fileNameOf(entry) !== name) throw new LinkInvalid('the export has no such file')
    const storeLinks = c.req.method === 'GET' ? await usableStoreLinks(deps, { signal }) : undefined
    if (storeLinks === undefined) {
      return await serveObject(c, deps, entry.key, {
        disposition: 'attachment',
        filename: name,
        embeddable: true,
        demand: (meta) => demandVersion(entry, meta?.etag),
      })
    }
    demandVersion(entry, (await store.head(entry.key, { signal }))?.etag)
    const lastMs = Math.min(clock.nowMs() + storeLinkMs, grant.expiresAt.getTime())
    const expiresAt = new Date(Math.floor(lastMs / 1000) * 1000)
    const url = await storeLinks.sign({
      purpose: 'object',
      subject: entry.key,
      expiresAt,
      disposition: 'attachment',
      filename: name,
    })
    return new Response(null, { status: 302, headers: { Location: url, 'Cache-Control': 'no-store' } })
  }
}
