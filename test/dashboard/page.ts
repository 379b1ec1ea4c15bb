import { expect } from 'vitest'

export const pageOrigin = 'http://localhost:4200'
const bearer = `Bearer ${'U2FsdGVkX1'.padEnd(152, 'x')}`
const runPodToken = 'rpa_NOBODYS'

export interface Answer {
  readonly status: number
  /** Whatever JSON came; the dashboard looks into it without asking. */
  // biome-ignore lint/suspicious/noExplicitAny: read as the dashboard reads it, which knows no types
  readonly json: any
}

interface Sent {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly json?: unknown
  readonly form?: FormData
}

/**
 * The dashboard in a browser, as far as the network sees it: every call but a plain form and `/health` carries a content
 * type, is asked for beforehand, and is read only if the answer allows this page's origin.
 */
export function openPage(baseUrl: string, options: { loggedIn: boolean; runPodToken?: boolean }) {
  const asked = new Map<string, Promise<void>>()

  return { call, navigate, succeed, fail }

  async function call(path: string, { method = 'GET', json, form }: Sent = {}): Promise<Answer> {
    const url = `${baseUrl}${path}`
    const headers = path === '/health' ? {} : headersOf(form)
    const names = Object.keys(headers).sort()
    // A browser asks once in ten minutes for a path and method.
    const question = `${method} ${path} ${names}`
    if (names.length > 0 || method === 'DELETE') {
      if (!asked.has(question)) asked.set(question, ask(url, method, names))
      await asked.get(question)
    }
    const body = form ?? (json === undefined ? undefined : JSON.stringify(json))
    const answer = await fetch(url, {
      method,
      headers: { ...headers, origin: pageOrigin },
      ...(body === undefined ? {} : { body }),
    })
    expect(answer.headers.get('access-control-allow-origin'), question).toBe(pageOrigin)
    expect(answer.headers.get('vary')?.toLowerCase(), question).toContain('origin')
    return { status: answer.status, json: await answer.json() }
  }

  /** What the dashboard takes for done: the status, and nothing else. */
  async function succeed(path: string, sent?: Sent): Promise<Answer['json']> {
    const { status, json } = await call(path, sent)
    expect(status, `${path} ${JSON.stringify(json).slice(0, 300)}`).toBe(200)
    return json
  }

  /** Gives the message that its user reads. */
  async function fail(status: number, path: string, sent?: Sent): Promise<string> {
    const answer = await call(path, sent)
    expect(answer.status, path).toBe(status)
    expect(answer.json, path).toMatchObject({ success: false, message: expect.stringMatching(/./) })
    return answer.json.message
  }

  function headersOf(form: FormData | undefined): Record<string, string> {
    return {
      ...(form === undefined ? { 'content-type': 'application/json' } : {}),
      ...(options.loggedIn ? { authorization: bearer } : {}),
      ...(options.runPodToken === true ? { 'x-runpod-token': runPodToken } : {}),
    }
  }
}

async function ask(url: string, method: string, names: readonly string[]): Promise<void> {
  const answer = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: pageOrigin,
      'access-control-request-method': method,
      'access-control-request-headers': names.join(','),
    },
  })
  expect(answer.ok, url).toBe(true)
  expect(answer.headers.get('access-control-allow-origin'), url).toBe(pageOrigin)
  const allowed = answer.headers.get('access-control-allow-headers')?.toLowerCase().split(/,\s*/) ?? []
  expect(allowed, url).toEqual(expect.arrayContaining([...names]))
  if (method === 'DELETE') expect(answer.headers.get('access-control-allow-methods'), url).toContain('DELETE')
  expect(Number(answer.headers.get('access-control-max-age')), url).toBeGreaterThanOrEqual(60)
}

/** A link in a new window: no header of ours, no origin; saved and not shown, under the name that the answer gives. */
async function navigate(url: string): Promise<{ filename: string; bytes: Uint8Array<ArrayBuffer> }> {
  expect(url).toMatch(/^https?:\/\//)
  const answer = await fetch(url)
  expect(answer.status, url).toBe(200)
  const disposition = answer.headers.get('content-disposition') ?? ''
  expect(disposition).toMatch(/^attachment/)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  expect(answer.headers.get('content-length')).toBe(`${bytes.length}`)
  return { filename: /filename="([^"]*)"/.exec(disposition)?.[1] ?? '', bytes }
}
