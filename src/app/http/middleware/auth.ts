import type { MiddlewareHandler } from 'hono'
import type { Digests } from '../../../ports/digests.ts'
import { type ApiToken, type Scope, scopes } from '../../config.ts'
import type { AppEnv } from '../context.ts'
import { HttpError } from '../http-error.ts'

/**
 * Reads the bearer token. Tokens are looked up by their SHA-256, so the time of the look-up tells nothing of their text.
 * Without configured tokens everybody may do everything: the service then listens on loopback only.
 */
export function auth({
  digests,
  tokens,
}: {
  digests: Digests
  tokens: readonly ApiToken[]
}): MiddlewareHandler<AppEnv> {
  const hash = (token: string) => digests.sha256(new TextEncoder().encode(token))
  const known = new Map<string, readonly Scope[]>(tokens.map(({ token, scopes }) => [hash(token), scopes]))
  return async function auth(c, next) {
    c.set('scopes', known.size === 0 ? scopes : granted(c.req.header('authorization')))
    await next()
  }

  function granted(header: string | undefined): readonly Scope[] {
    if (header === undefined) return []
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1]
    const found = token === undefined ? undefined : known.get(hash(token))
    if (found === undefined) {
      throw new HttpError('unauthenticated', 'the token is not known', {
        headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
      })
    }
    return found
  }
}
