import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { Checksums, ETag } from '../../ports/object-store.ts'
import type { PreparedFile } from './durable.ts'
import { isAbsence, systemCode } from './errors.ts'
import { lockName, type Place } from './place.ts'

/** What a file cannot say of itself. */
export interface Facts {
  readonly contentType: string
  readonly checksums: Checksums | undefined
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * One small file for each version of each object, named by both, so that it can be there before the version it belongs
 * to and never describes another one. 65,536 folders: a million objects make fifteen names in each.
 */
export function sidecarPath(place: Place, key: ObjectKey, etag: ETag): string {
  const hash = createHash('sha256').update(lockName(place, key)).digest('hex')
  return join(place.sidecars, hash.slice(0, 2), hash.slice(2, 4), `${hash.slice(4, 40)}.${etag}.json`)
}

export function encodeFacts({ contentType, checksums, attributes }: Facts): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ contentType, checksums, attributes }))
}

/** `undefined` for a version that we did not write, or whose sidecar was changed by others. */
export async function readFacts(path: string): Promise<Facts | undefined> {
  try {
    return parseFacts(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (isAbsence(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}

export function parseFacts(found: Partial<Facts> | null): Facts | undefined {
  if (typeof found?.contentType !== 'string' || typeof found.attributes !== 'object') return undefined
  const { contentType, checksums, attributes } = found
  return { contentType, checksums, attributes }
}

export async function placeSidecar(prepared: PreparedFile, path: string): Promise<void> {
  try {
    await prepared.moveTo(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    await prepared.moveTo(path)
  }
}

/** Removes the sidecars of all versions of the key of `path`, but for `path` itself when `keep` is set. Never throws. */
export async function removeSidecars(path: string, options: { keep: boolean }): Promise<void> {
  const folder = dirname(path)
  const own = basename(path)
  const key = own.slice(0, own.indexOf('.') + 1)
  const names = await readdir(folder).catch(() => [])
  const others = names.filter((name) => name.startsWith(key) && !(options.keep && name === own))
  // A sidecar that stays behind describes a version that is gone: it costs its bytes and nothing else.
  await Promise.all(others.map((name) => rm(join(folder, name), { force: true }).catch(() => {})))
}
