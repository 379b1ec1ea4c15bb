import type { MiddlewareHandler } from 'hono'
import type { Digests } from '../../../ports/digests.ts'
import { type ApiToken, type Scope, scopes } from '../../config-values.ts'
import type { AppEnv } from '../context.ts'

/**
 * Reads the bearer token. An unknown one grants nothing, and is refused where something must be granted: what is open stays
 * so to clients that send a token everywhere. Tokens are looked up by their SHA-256, so the time of it tells nothing.
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
    return (token === undefined ? undefined : known.get(hash(token))) ?? []
  }
}
