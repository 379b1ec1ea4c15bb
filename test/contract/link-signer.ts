import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LinkGrant, LinkSigner } from '../../src/ports/link-signer.ts'
import { parseObjectKey } from '../../src/ports/object-key.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'

export interface LinkSignerHarness {
  /** A signer, the store that its links open, and the time that both believe in. */
  open(): Promise<{ signer: LinkSigner; store: ObjectStore; nowMs: () => number; close(): Promise<void> }>
  /** What the server behind the links does otherwise, with its reason. Both sides are tested. */
  gaps?: {
    /** The server checks no signature. */
    readonly unsigned?: string
    /** The method is a part of the signature, and only GET is signed. */
    readonly getOnly?: string
    /** The server does not give out under the name that is signed. */
    readonly unnamed?: string
  }
}

const { signal } = new AbortController()
const content = '0123456789'
const contentType = 'text/plain; charset=utf-8'

/** The obligations of `LinkSigner`, seen by somebody who has nothing but the URL. */
export function describeLinkSigner(name: string, { open, gaps = {} }: LinkSignerHarness): void {
  describe(`LinkSigner: ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>

    beforeAll(async () => {
      opened = await open()
      for (const key of ['files/mine/a b#1+ž.txt', 'files/yours/b.txt']) {
        const body = new TextEncoder().encode(content)
        await opened.store.put(parseObjectKey(key), body, { contentType, when: 'always', signal })
      }
    })

    afterAll(() => opened?.close())

    const sign = (change: Partial<LinkGrant> = {}) =>
      opened.signer.sign({
        purpose: 'object',
        subject: 'files/mine/a b#1+ž.txt',
        expiresAt: new Date((Math.floor(opened.nowMs() / 1000) + 600) * 1000),
        disposition: 'attachment',
        filename: 'zażółć "1"; x.txt',
        ...change,
      })

    it('opens the object to somebody without credentials, whole and in part', async () => {
      const url = await sign()
      const whole = await fetch(url)
      expect(whole.status).toBe(200)
      expect(await whole.text()).toBe(content)
      const part = await fetch(url, { headers: { range: 'bytes=2-4' } })
      expect(part.status).toBe(206)
      expect(await part.text()).toBe('234')
    })

    it('makes browsers save it under the name of the grant', async () => {
      const answer = await fetch(await sign())
      await answer.body?.cancel()
      const disposition = answer.headers.get('content-disposition')
      if (gaps.unnamed === undefined)
        expect(disposition).toMatch(/^attachment; filename="[^"]*"; filename\*=UTF-8''za%C5%BC/)
      else expect(disposition).toBeNull()
    })

    it('makes absolute URLs in their one spelling', async () => {
      const url = await sign()
      expect(new URL(url).href).toBe(url)
    })

    it('answers HEAD as it answers GET', async () => {
      const answer = await fetch(await sign(), { method: 'HEAD' })
      if (gaps.getOnly !== undefined && gaps.unsigned === undefined) {
        expect(answer.status).toBe(403)
      } else {
        expect(answer.status).toBe(200)
        expect(answer.headers.get('content-length')).toBe('10')
      }
    })

    it('is refused at and after the instant of its expiry', async () => {
      const expiresAt = new Date(Math.floor(opened.nowMs() / 1000) * 1000 - 5000)
      expect((await fetch(await sign({ expiresAt }))).status).toBe(403)
    })

    it('opens nothing else than it was made for', async () => {
      const url = await sign()
      const other = url.replace('mine', 'yours').replace(/a%20b[^/?]*txt/, 'b.txt')
      const changed = other === url ? tampered(url) : other
      const { status } = await fetch(changed)
      if (gaps.unsigned === undefined) expect(status).toBe(403)
      else expect(status).toBe(200)
    })

    it('grants no writing', async () => {
      const url = await sign()
      for (const method of ['PUT', 'DELETE']) {
        const answer = await fetch(url, { method, ...(method === 'PUT' ? { body: 'overwritten' } : {}) })
        if (gaps.unsigned === undefined) expect(answer.status).toBeGreaterThanOrEqual(400)
      }
      const after = await opened.store.get(parseObjectKey('files/mine/a b#1+ž.txt'), { signal })
      const left = after && (await new Response(after.body).text())
      if (gaps.unsigned === undefined) expect(left).toBe(content)
      // A server that checks nothing lets everybody write, link or no link: what it does is recorded here, not promised.
      else expect(left).not.toBe(content)
    })
  })
}

/** Our own token carries its grant in one piece: another character in it stands for another object. */
function tampered(url: string): string {
  const path = new URL(url)
  path.pathname = path.pathname.replace(
    /(\/v1\/links\/.{40})(.)/,
    (_, before, character) => `${before}${character === 'A' ? 'B' : 'A'}`,
  )
  return path.href
}
