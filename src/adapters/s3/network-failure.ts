import { StoreUnavailable } from '../../ports/errors.ts'

/** Nobody listened, or nobody was found: no byte of the request can have arrived. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

/** The same only while connecting; on a connection that stood, the request may have been heard. */
const neverSentWhileConnecting = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'])

/** Node's codes for certificates that are expired, foreign or made for another host, and for servers without TLS. */
const badCertificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_TLS_|^ERR_SSL_WRONG_VERSION/

/** A request that got no answer, or a body that broke off. Looks for the code behind fetch's own `TypeError`. */
export function networkFailure(error: unknown): StoreUnavailable {
  const { code = '', syscall } = failureBehind(error)
  const distrusted = badCertificate.test(code)
  const never = distrusted || neverSent.has(code) || (syscall === 'connect' && neverSentWhileConnecting.has(code))
  return new StoreUnavailable(code === '' ? 'the store did not answer' : `the store did not answer: ${code}`, {
    cause: error,
    effect: never ? 'never-sent' : 'maybe-sent',
    // A certificate that is wrong now is wrong until somebody mends it.
    again: distrusted ? 'never' : 'usual',
  })
}

const causesLookedAtMax = 5

function failureBehind(error: unknown): { code?: string; syscall?: unknown } {
  let current = error
  for (let depth = 0; depth < causesLookedAtMax && typeof current === 'object' && current !== null; depth++) {
    const { code, syscall, cause } = current as { code?: unknown; syscall?: unknown; cause?: unknown }
    if (typeof code === 'string') return { code, syscall }
    current = cause
  }
  return {}
}
