import { InvalidKey } from '../../ports/errors.ts'
import type { AppContext } from './context.ts'

/**
 * The rest of the path behind `base`, each segment percent-decoded exactly once. Read from the raw path: what a router
 * decodes is lenient, so that two spellings could mean one key, and bytes that are no UTF-8 would pass.
 */
export function restOfPath(c: AppContext, base: string): string {
  const path = new URL(c.req.url).pathname
  return path
    .slice(base.length)
    .split('/')
    .map((segment) => {
      const decoded = decode(segment)
      // %2F would join two segments: the key with the real slash is another spelling of it.
      if (decoded === undefined || decoded.includes('/')) throw new InvalidKey('the key is not percent-encoded UTF-8')
      return decoded
    })
    .join('/')
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
