import type { LinkSigner } from '../../ports/link-signer.ts'
import type { ExportManifest } from './manifest.ts'

/** The URL of the zip, good as long as the export is. Sends no request. */
export async function exportLink(links: LinkSigner, { id, name, expiresAt }: ExportManifest): Promise<string> {
  return await links.sign({
    purpose: 'export',
    subject: id,
    expiresAt: new Date(expiresAt),
    disposition: 'attachment',
    filename: `${name}.zip`,
  })
}
