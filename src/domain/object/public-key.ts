import { type ObjectKey, parseObjectKey } from '../../ports/object-key.ts'
import { NotFound } from '../errors.ts'

/** The top-level folders that users see, in key order. Everything else in the store is our own bookkeeping. */
export const publicRoots = ['dataset/', 'files/', 'results/'] as const
export type PublicRoot = (typeof publicRoots)[number]

/** A key that users may name. Throws `InvalidKey`, or `NotFound` for a key outside of the public folders. */
export function parsePublicKey(given: string): ObjectKey {
  const key = parseObjectKey(given)
  if (!isPublic(key)) throw new NotFound('keys begin with dataset/, files/ or results/')
  return key
}

export function isPublic(key: string): boolean {
  return publicRoots.some((root) => key.startsWith(root))
}
