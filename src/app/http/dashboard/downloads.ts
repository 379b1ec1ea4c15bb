import * as z from 'zod'
import { NotFound } from '../../../domain/errors.ts'
import { type GatheredDownloads, gatherDownloads } from '../../../domain/export/gather-downloads.ts'
import { type ResultLinkDeps, resultLink } from '../../../domain/export/result-link.ts'
import { createLinks } from '../../../domain/link/create-links.ts'
import { isPublic, parsePublicKey } from '../../../domain/object/public-key.ts'
import { type ProcessId, processId } from '../../../domain/process/process-state.ts'
import type { ResultKind } from '../../../domain/result/result.ts'
import type { ObjectKey } from '../../../ports/object-key.ts'
import type { AppContext } from '../context.ts'
import { HttpError } from '../http-error.ts'
import type { DashboardCall } from './call.ts'
import { fileDataAnswer, maxInlineBytes } from './file-data.ts'
import { keyOfFileId } from './file-id.ts'
import { knownId } from './jobs.ts'
import { jsonBody } from './json-body.ts'

export interface DownloadCallDeps extends ResultLinkDeps {
  /** Before the keys of the store, as the folder is called on a mounted volume. */
  readonly storePrefix: string
}

const fileLinkSeconds = 3600
/** Room for as many ids as are taken, those of files with keys of usual length. */
const maxBodyBytes = 6 * 2 ** 20
const maxIds = 10_000

const BulkSchema = z.object({
  process_ids: z.array(z.string()).min(1).max(maxIds),
  include_images: z.boolean().default(true),
  include_loras: z.boolean().default(true),
})
const DirectSchema = z.object({ file_path: z.string() })

/**
 * Downloads, as each place of the dashboard wants them: a file as base64 in JSON while browsers can save that, everything
 * else as a link that any size goes through.
 */
export function downloadCalls(deps: DownloadCallDeps): DashboardCall[] {
  const { store, log, storePrefix } = deps

  /** As JSON while it is small enough; of a larger file nothing is read. */
  const inline = async (c: AppContext, key: ObjectKey, wrap: (file: unknown) => unknown) => {
    const object = await store.get(key, { signal: c.var.signal })
    if (object === undefined) throw new NotFound('no such file')
    if (object.meta.sizeBytes <= maxInlineBytes) return await fileDataAnswer(c, object, { log, wrap })
    await object.body.cancel()
    return undefined
  }

  const fileLink = async (c: AppContext, key: ObjectKey): Promise<string> => {
    const { links } = await createLinks(deps, [key], {
      expiresInSeconds: fileLinkSeconds,
      disposition: 'attachment',
      filename: undefined,
      signal: c.var.signal,
    })
    if (links[0] === undefined) throw new NotFound('no such file')
    return links[0].url
  }

  return [
    {
      method: 'GET',
      path: '/download/:id',
      async answer(c) {
        const id = c.req.param('id') ?? ''
        const key = keyOfFileId(id)
        if (key === undefined) {
          const url = await resultLink(deps, knownId(id), { signal: c.var.signal })
          return c.json({ success: true, data: { url } })
        }
        const answer = await inline(c, key, (file) => ({ url: file }))
        return answer ?? c.json({ success: true, data: { url: await fileLink(c, key) } })
      },
    },
    {
      method: 'POST',
      path: '/files/download-direct',
      async answer(c) {
        const { file_path: path } = await jsonBody(c, DirectSchema, { maxBytes: maxBodyBytes })
        const key = keyOfPath(path, storePrefix)
        const answer = await inline(c, key, (file) => file)
        if (answer !== undefined) return answer
        // The dashboard could only say of it that it was saved, and it would not be.
        const message = `The file is larger than ${maxInlineBytes / 1_000_000} MB, more than this page can save. Download its job on the Processes tab.`
        return c.json({ success: false, message, data: { url: await fileLink(c, key) } }, 413)
      },
    },
    {
      method: 'POST',
      path: '/download/bulk',
      async answer(c) {
        const wanted = await jsonBody(c, BulkSchema, { maxBytes: maxBodyBytes })
        const { processes, keys, neither } = told(wanted.process_ids)
        const kinds: ResultKind[] = [
          ...(wanted.include_loras ? (['lora'] as const) : []),
          ...(wanted.include_images ? (['samples', 'images'] as const) : []),
        ]
        if (kinds.length === 0) throw new HttpError('invalid-request', 'Neither images nor LoRAs were asked for.')
        const gathered = await gatherDownloads(deps, { processes, keys, kinds }, { signal: c.var.signal })
        const { zip, files } = gathered
        const message = [
          `${files.length} ${files.length === 1 ? 'file' : 'files'}.`,
          ...whatIsLeftOut(gathered, neither),
        ].join(' ')
        if (zip === undefined) return c.json({ success: false, message }, 404)
        const items = files.map(({ key, url, sizeBytes }) => {
          const filename = key.slice(key.lastIndexOf('/') + 1)
          return { filename, url, size: sizeBytes, type: typeOf(filename) }
        })
        return c.json({
          success: true,
          data: {
            // The zip first: of a burst of links a browser opens no more than two.
            download_items: [{ filename: zip.name, url: zip.url, size: zip.lengthBytes, type: 'other' }, ...items],
            zip_url: zip.url,
            total_files: files.length,
            total_size: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
          },
          message,
        })
      },
    },
  ]
}

/** Which of the ids are files, which processes; one that can be neither is told like one that is not there. */
function told(given: readonly string[]) {
  const processes: ProcessId[] = []
  const keys: ObjectKey[] = []
  const neither: string[] = []
  for (const id of new Set(given)) {
    const key = keyOfFileId(id)
    if (key !== undefined) keys.push(key)
    else {
      try {
        processes.push(processId(id))
      } catch {
        neither.push(id)
      }
    }
  }
  return { processes, keys, neither }
}

const mostNamed = 20
const longestName = 100

function whatIsLeftOut(
  { unknown, unfinished, withoutFiles, missing, leftOut }: GatheredDownloads,
  neither: readonly string[],
) {
  const said = (what: string, names: readonly string[]) => {
    if (names.length === 0) return []
    const named = names.slice(0, mostNamed).map((name) => [...name].slice(0, longestName).join(''))
    const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''
    return [`${what}: ${named.join(', ')}${more}.`]
  }
  return [
    ...said('Not found', [...unknown, ...neither, ...missing]),
    ...said('Not finished', unfinished),
    ...said('Without files of that kind', withoutFiles),
    ...(leftOut === 0 ? [] : [`Left out, because their names cannot be keys: ${leftOut}.`]),
  ]
}

/** As a listing says it, with the store's prefix or without, also below the place where a volume is mounted. */
function keyOfPath(path: string, storePrefix: string): ObjectKey {
  const given = path.replace(/^\/+/, '')
  const start = `/${given}`.indexOf(`/${storePrefix}/`)
  return parsePublicKey(isPublic(given) || start === -1 ? given : given.slice(start + storePrefix.length + 1))
}

function typeOf(filename: string): 'image' | 'lora' | 'other' {
  if (/\.(?:safetensors|ckpt|pth?)$/i.test(filename)) return 'lora'
  return /\.(?:png|jpe?g|webp|gif|bmp)$/i.test(filename) ? 'image' : 'other'
}
