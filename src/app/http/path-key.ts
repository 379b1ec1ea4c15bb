import { InvalidKey } from '../../ports/errors.ts'
import type { AppContext } from './context.ts'

/**
 * The rest of the path behind `base`, each segment percent-decoded exactly once. Read from the raw path: what a router
 * decodes is lenient, so that two spellings could mean one key. `rawTarget` has seen that all of it is UTF-8.
 */
export function restOfPath(c: AppContext, base: string): string {
  const segments = new URL(c.req.url).pathname.slice(base.length).split('/').map(decodeURIComponent)
  // %2F would join two segments: the key with the real slash is another spelling of it.
  if (segments.some((segment) => segment.includes('/'))) throw new InvalidKey('the key contains an encoded slash')
  return segments.join('/')
}
