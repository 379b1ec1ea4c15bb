import { GetObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { describe, expect, it } from 'vitest'
import { closeStages, elementText, stage, text } from './stage.ts'

closeStages()

const origin = 'https://dashboard.example'
const cors = { origins: [origin], methods: ['GET', 'PUT'], exposed: ['ETag'] }

async function asked(options: Parameters<typeof stage>[0], headers: Record<string, string>) {
  const { fake } = await stage(options)
  const answer = await fetch(`${fake.origin}/${fake.bucket}/k`, { method: 'OPTIONS', headers })
  return { status: answer.status, headers: answer.headers, code: elementText(await answer.text(), 'Code'), fake }
}

describe('a preflight', () => {
  it('needs no signature and says what the rule allows', async () => {
    const { status, headers, fake } = await asked(
      { quirks: { cors } },
      { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type' },
    )
    expect(status).toBe(200)
    expect(headers.get('access-control-allow-origin')).toBe(origin)
    expect(headers.get('access-control-allow-methods')).toBe('GET, PUT')
    expect(headers.get('access-control-allow-headers')).toBe('content-type')
    expect(headers.get('access-control-expose-headers')).toBe('ETag')
    expect(fake.count('Preflight')).toBe(1)
  })

  it('is refused where there is no rule, or another one', async () => {
    const put = { origin, 'access-control-request-method': 'PUT' }
    const refusals = [
      [{}, put],
      [{ quirks: { cors } }, { ...put, origin: 'https://other.example' }],
      [{ quirks: { cors } }, { ...put, 'access-control-request-method': 'DELETE' }],
    ] as const
    for (const [options, headers] of refusals) {
      const { status, code, headers: answered } = await asked(options, headers)
      expect([status, code]).toEqual([403, 'AccessForbidden'])
      expect(answered.get('access-control-allow-methods')).toBeNull()
    }
    expect((await asked({ quirks: { cors } }, {})).status).toBe(400)
  })
})

it('an answer, and a refusal, may be read by the origins of the rule only', async () => {
  const { fake, client, at } = await stage({ quirks: { cors } })
  fake.putDirectly('k', text('abc'))
  for (const [key, status] of [
    ['k', 200],
    ['absent', 404],
  ] as const) {
    const url = await getSignedUrl(client, new GetObjectCommand(at(key)))
    for (const [from, allowed] of [
      [origin, origin],
      ['https://other.example', null],
    ] as const) {
      const answer = await fetch(url, { headers: { origin: from } })
      await answer.body?.cancel()
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([status, allowed])
    }
  }
})
