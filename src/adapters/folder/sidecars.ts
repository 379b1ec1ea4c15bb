import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectKey } from '../../ports/object-key.ts'
import type { Checksums, ETag } from '../../ports/object-store.ts'
import { isAbsence, systemCode } from './errors.ts'
import type { Place } from './place.ts'

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
export function sidecarPath({ sidecars, scope }: Place, key: ObjectKey, etag: ETag): string {
  const hash = createHash('sha256').update(lockName(place, key)).digest('hex')
  return join(sidecars, hash.slice(0, 2), hash.slice(2, 4), `${hash.slice(4, 40)}.${etag}.json`)
}

export function encodeFacts({ contentType, checksums, attributes }: Facts): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ contentType, checksums, attributes }))
}

/** `undefined` for a version that we did not write. */
export async function readFacts(path: string): Promise<Facts | undefined> {
  try {
    const { contentType, checksums, attributes } = JSON.parse(await readFile(path, 'utf8')) as Partial<Facts>
    if (typeof contentType !== 'string' || typeof attributes !== 'object') return undefined
    return { contentType, checksums, attributes }
  } catch (error) {
    // A file that is no JSON was changed by others, and says nothing that can be trusted.
    if (isAbsence(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Renames a prepared sidecar into its place. */
export async function placeSidecar(prepared: string, path: string): Promise<void> {
  try {
    await rename(prepared, path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true })
    await rename(prepared, path)
  }
}

/** Removes the sidecars of all versions of the key of `path`, but for `path` itself when `keep` is set. Never throws. */
export async function removeSidecars(path: string, options: { keep: boolean }): Promise<void> {
  const folder = dirname(path)
  const [own, key] = [path.slice(folder.length + 1), path.slice(folder.length + 1).split('.', 1)[0]]
  const names = await readdir(folder).catch(() => [])
  const others = names.filter((name) => name.startsWith(`${key}.`) && !(options.keep && name === own))
  // A sidecar that stays behind describes a version that is gone: it costs its bytes and nothing else.
  await Promise.all(others.map((name) => rm(join(folder, name), { force: true }).catch(() => {})))
}
