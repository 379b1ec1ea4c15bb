import { describe, expect, it } from 'vitest'
import {
  type AccessSeen,
  clockFinding,
  credentialsFinding,
  reachFinding,
} from '../../../src/adapters/s3/examine-access.ts'
import { checksumsFinding } from '../../../src/adapters/s3/examine-checksums.ts'
import { corsFinding } from '../../../src/adapters/s3/examine-cors.ts'
import { signedUrlsFinding, tampered } from '../../../src/adapters/s3/examine-signed-urls.ts'

const warned = { verdict: 'works', fix: expect.any(String) }
const unwarned = expect.not.objectContaining({ fix: expect.anything() })

describe('access', () => {
  const seen = (more: Partial<AccessSeen>): AccessSeen => ({
    status: 403,
    code: 'AccessDenied',
    absent: false,
    message: '',
    durationMs: 4.4,
    ...more,
  })

  it('is there when the store answers and says that the object is not', () => {
    const answered = seen({ status: 404, code: 'NoSuchKey', absent: true })
    expect(reachFinding(answered)).toEqual({ check: 'reach', verdict: 'works', detail: 'answers in 4 ms' })
    expect(credentialsFinding(answered)).toMatchObject({ verdict: 'works' })
  })

  it('is broken where nobody answers, and nothing is said of credentials', () => {
    const fixes = ['ENOTFOUND', 'ECONNREFUSED', 'CERT_HAS_EXPIRED', 'ETIMEDOUT'].map((code) => {
      const silent = seen({ status: undefined, code, message: `the store did not answer: ${code}` })
      expect(credentialsFinding(silent)).toBeUndefined()
      const finding = reachFinding(silent)
      expect(finding).toMatchObject({ verdict: 'broken', detail: expect.stringContaining(code) })
      return finding.fix
    })
    expect(new Set(fixes).size).toBe(4)
  })

  it('is broken where the store is down', () => {
    const down = seen({ status: 503, code: 'SlowDown' })
    expect(reachFinding(down)).toMatchObject({ verdict: 'broken', detail: 'answers 503 SlowDown' })
    expect(credentialsFinding(down)).toBeUndefined()
  })

  it('is refused for a reason that the operator is told', () => {
    const refusals: [number, string, RegExp][] = [
      [404, 'NoSuchBucket', /bucket/],
      [403, 'InvalidAccessKeyId', /key id/],
      [403, 'SignatureDoesNotMatch', /secret/],
      [400, 'ExpiredToken', /session token/],
      [400, 'AuthorizationHeaderMalformed', /region/],
      [301, 'PermanentRedirect', /region/],
      [403, 'AccessDenied', /read, write, list and delete/],
      [400, 'Bad Request', /S3 API/],
    ]
    for (const [status, code, fix] of refusals) {
      const refused = seen({ status, code })
      expect(reachFinding(refused), code).toMatchObject({ verdict: 'works' })
      expect(credentialsFinding(refused), code).toMatchObject({ verdict: 'broken', fix: expect.stringMatching(fix) })
    }
  })

  it('says nothing of credentials where only the clock was refused', () => {
    expect(credentialsFinding(seen({ code: 'RequestTimeTooSkewed' }))).toBeUndefined()
  })
})

describe('the clock', () => {
  const off = (skewMs: number) => clockFinding(skewMs, { uncertaintyMs: 500, windowMs: 900_000 })

  it('works, is told, is warned of and is broken, the further it is off, in both directions', () => {
    for (const sign of [1, -1]) {
      const word = sign > 0 ? 'ahead of' : 'behind'
      expect(off(sign * 400)).toEqual({ check: 'clock', verdict: 'works', detail: "ours is the store's" })
      expect(off(sign * 30_000)).toMatchObject({ verdict: 'works', detail: `ours is 30 s ${word} the store's` })
      expect(off(sign * 30_000)).toEqual(unwarned)
      expect(off(sign * 120_000)).toMatchObject(warned)
      expect(off(sign * 900_400)).toMatchObject(warned)
      expect(off(sign * 900_600)).toMatchObject({ verdict: 'broken', detail: expect.stringContaining(word) })
    }
  })
})

describe('signed URLs', () => {
  it('are said to be missing by the capabilities alone', () => {
    expect(signedUrlsFinding({ get: 403, tamperedGet: 403, putPart: 403 })).toEqual([])
  })

  it('are warned of where a changed signature opens as much', () => {
    expect(signedUrlsFinding({ get: 200, tamperedGet: 403, putPart: 200 })).toEqual([unwarned])
    expect(signedUrlsFinding({ get: 200, tamperedGet: 200, putPart: 200 })).toMatchObject([warned])
  })

  it('are changed in one digit, which stays one', () => {
    const url = 'http://store/k?X-Amz-Date=1&X-Amz-Signature=00ff&x-id=GetObject'
    expect(tampered(url)).toBe('http://store/k?X-Amz-Date=1&X-Amz-Signature=00f0&x-id=GetObject')
    expect(tampered(tampered(url))).toBe('http://store/k?X-Amz-Date=1&X-Amz-Signature=00f1&x-id=GetObject')
  })
})

describe('checksums', () => {
  it('work where the SHA-256 that each request carries is checked', () => {
    const finding = checksumsFinding({ sha256: true, md5: true, crc32: false }, { encrypted: false })
    expect(finding).toMatchObject({
      verdict: 'works',
      detail: expect.stringContaining('ignored: x-amz-checksum-crc32'),
    })
    expect(finding).toEqual(unwarned)
  })

  it('are missing otherwise, and worth a warning without TLS', () => {
    const seen = { sha256: false, md5: true, crc32: true }
    expect(checksumsFinding(seen, { encrypted: true })).toMatchObject({ verdict: 'missing' })
    expect(checksumsFinding(seen, { encrypted: true })).toEqual(unwarned)
    expect(checksumsFinding(seen, { encrypted: false })).toMatchObject({ verdict: 'missing', fix: expect.any(String) })
  })
})

describe('CORS', () => {
  const origin = 'https://dashboard.example'
  const get = { method: 'GET', status: 200, allowOrigin: origin, allowMethods: 'GET' } as const
  const put = { method: 'PUT', status: 204, allowOrigin: '*', allowMethods: 'get, PUT' } as const

  it('works where a browser would go on', () => {
    expect(corsFinding(origin, [get, put])).toMatchObject({ verdict: 'works' })
    expect(corsFinding(origin, [get, { ...put, allowMethods: '*' }])).toMatchObject({ verdict: 'works' })
  })

  it('is missing where it would not, for either method', () => {
    for (const refused of [
      { ...put, status: 403 },
      { ...put, allowOrigin: null },
      { ...put, allowOrigin: 'https://other.example' },
      { ...put, allowMethods: 'GET' },
      { ...put, allowMethods: null },
    ]) {
      expect(corsFinding(origin, [get, refused])).toMatchObject({
        verdict: 'missing',
        detail: expect.stringContaining('may not PUT'),
      })
    }
    expect(corsFinding(origin, [{ ...get, status: 403 }, put]).detail).toContain('may not GET')
  })
})
