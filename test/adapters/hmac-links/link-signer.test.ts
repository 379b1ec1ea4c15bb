import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { expect, it } from 'vitest'
import { createHmacLinks } from '../../../src/adapters/hmac-links/hmac-links.ts'
import { createMemoryObjectStore } from '../../../src/adapters/memory/object-store.ts'
import { LinkExpired, LinkInvalid } from '../../../src/ports/errors.ts'
import type { LinkGrant } from '../../../src/ports/link-signer.ts'
import { createService, createTestClock, linkSecret } from '../../app/memory-service.ts'
import { describeLinkSigner } from '../../contract/link-signer.ts'

describeLinkSigner('hmac-links, served by us', {
  async open() {
    const clock = createTestClock()
    const store = createMemoryObjectStore(clock)
    const service = createService({ store, clock })
    const listener = getRequestListener((request) => {
      const { pathname, search } = new URL(request.url)
      return service.request(`${pathname}${search}`, {
        method: request.method,
        headers: Object.fromEntries([...request.headers].filter(([name]) => name !== 'host')),
        ...(request.body === null ? {} : { body: request.body }),
      })
    })
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const signer = createHmacLinks({ baseUrl, secrets: [linkSecret('k1')] })
    return {
      signer,
      store,
      nowMs: clock.nowMs,
      async close() {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  },
})

const grant: LinkGrant = {
  purpose: 'object',
  subject: 'files/a.txt',
  expiresAt: new Date('2026-03-01T13:00:00Z'),
  disposition: 'attachment',
  filename: 'a.txt',
}
const nowMs = Date.parse('2026-03-01T12:00:00Z')
const tokenOf = (url: string) => url.split('/').at(-2) ?? ''
const links = (...keyIds: string[]) =>
  createHmacLinks({ baseUrl: 'http://x', secrets: keyIds.map((keyId) => linkSecret(keyId, keyId.charCodeAt(1))) })

it('gives back exactly what was signed', async () => {
  const token = tokenOf(await links('k1').sign(grant))
  expect(await links('k1').verify(token, nowMs)).toEqual(grant)
})

it('refuses a token with any one bit turned', async () => {
  const signer = links('k1')
  const token = tokenOf(await signer.sign(grant))
  for (let index = 0; index < token.length; index++) {
    for (let bit = 0; bit < 7; bit++) {
      const turned = String.fromCharCode(token.charCodeAt(index) ^ (1 << bit))
      const changed = token.slice(0, index) + turned + token.slice(index + 1)
      await expect(signer.verify(changed, nowMs), `bit ${bit} of character ${index}`).rejects.toBeInstanceOf(
        LinkInvalid,
      )
    }
  }
})

it('keeps a field from growing into its neighbour', async () => {
  const signer = links('k1')
  const a = tokenOf(await signer.sign({ ...grant, subject: 'files/a', filename: 'b.txt' }))
  const b = tokenOf(await signer.sign({ ...grant, subject: 'files/ab', filename: '.txt' }))
  expect(a).not.toBe(b)
  expect(await signer.verify(a, nowMs)).toMatchObject({ subject: 'files/a', filename: 'b.txt' })
})

it('verifies links of an older secret through a rotation, and signs with the first', async () => {
  const old = tokenOf(await links('k1').sign(grant))
  const rotated = links('k2', 'k1')
  expect(await rotated.verify(old, nowMs)).toEqual(grant)
  const fresh = tokenOf(await rotated.sign(grant))
  await expect(links('k1').verify(fresh, nowMs)).rejects.toBeInstanceOf(LinkInvalid)
  expect(await links('k2').verify(fresh, nowMs)).toEqual(grant)
})

it('ends at the instant of its expiry, and not a second before', async () => {
  const signer = links('k1')
  const token = tokenOf(await signer.sign(grant))
  const expiresMs = grant.expiresAt.getTime()
  expect(await signer.verify(token, expiresMs - 1)).toEqual(grant)
  await expect(signer.verify(token, expiresMs)).rejects.toBeInstanceOf(LinkExpired)
})

it.each(['', '.', 'a.b.c', 'AA', 'AA.', '.AA', `${'A'.repeat(9000)}.AA`, 'AAJ2MQ.AAAA', 'ÄÖ.AA'])(
  'refuses %j without another error',
  async (token) => {
    await expect(links('k1').verify(token, nowMs)).rejects.toBeInstanceOf(LinkInvalid)
  },
)
