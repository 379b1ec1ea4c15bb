import * as z from 'zod'

export const scopes = ['read', 'write', 'worker', 'admin'] as const
export type Scope = (typeof scopes)[number]

export const number = (minimum: number, maximum: number, whole: boolean) => {
  const wrong = `must be a ${whole ? 'whole ' : ''}number from ${minimum} to ${maximum}`
  const kind = z.coerce.number(wrong)
  return (whole ? kind.int(wrong) : kind).min(minimum, wrong).max(maximum, wrong)
}
export const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) => number(minimum, maximum, true)
export const count = (fallback: number, minimum = 1) => integer(minimum).default(fallback)
/** One of these words. */
export const word = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, `must be one of ${words.join(', ')}`)
export const text = z.string().trim().min(1)

export const list = <T>(item: (given: string) => T) =>
  text.transform((given, context): T[] => {
    const items = given.split(',').map((one) => one.trim())
    return items.flatMap((one) => {
      try {
        return [item(one)]
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
        return []
      }
    })
  })

/** Shorter tokens can be guessed; the service says so at its start. */
export const leastTokenLength = 16

export interface ApiToken {
  readonly token: string
  readonly scopes: readonly Scope[]
}

export function apiToken(given: string): ApiToken {
  const cut = given.lastIndexOf('=')
  const token = given.slice(0, Math.max(0, cut))
  const named = given.slice(cut + 1).split('+')
  const known = named.flatMap((name) => scopes.find((scope) => scope === name) ?? [])
  // Never quoted in the message: it would end up in a log.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error('each token has the form token=scope+scope, in visible ASCII')
  if (known.length !== named.length)
    throw new Error(`the scopes of a token are some of ${scopes.join(', ')}, joined by +`)
  return { token, scopes: known }
}

export interface LinkSecretSetting {
  readonly keyId: string
  readonly secret: Uint8Array<ArrayBuffer>
}

export function linkSecret(given: string): LinkSecretSetting {
  const cut = given.indexOf(':')
  const keyId = given.slice(0, Math.max(0, cut))
  const form = 'each link secret has the form kid:base64, the secret at least 32 bytes (openssl rand -base64 32)'
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(keyId)) throw new Error(form)
  let binary: string
  try {
    binary = atob(given.slice(cut + 1))
  } catch {
    throw new Error(form)
  }
  if (binary.length < 32) throw new Error(form)
  return { keyId, secret: Uint8Array.from(binary, (character) => character.charCodeAt(0)) }
}

export function origin(given: string): string {
  let url: URL
  try {
    url = new URL(given)
  } catch {
    throw new Error('an origin looks like https://dashboard.example')
  }
  if (url.origin === 'null' || url.origin !== given) throw new Error(`an origin has no path: write ${url.origin}`)
  return given
}

export const url = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .transform((given) => given.replace(/\/+$/, ''))
export const flag = word(['true', 'false', '1', '0']).transform((given) => given === 'true' || given === '1')
