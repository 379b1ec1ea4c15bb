import { expect } from 'vitest'
import type { RequestOptions, Service } from '../memory-service.ts'

export interface ProcessJson {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly liveness: string
  readonly attempt: number
  readonly worker: string | null
  readonly cancelRequested: boolean
  readonly version: number
  readonly createdAt: string
  readonly progress: { readonly step: number; readonly percent: number | null }
}

export interface ReportedJson {
  readonly applied: boolean
  readonly duplicate: boolean
  readonly cancelRequested: boolean
  readonly version: number
}

export interface ProcessListJson {
  readonly processes: readonly ProcessJson[]
  readonly nextCursor: string | null
  readonly partial: boolean
  readonly unreadable: readonly string[]
}

type Headers = Record<string, string>

/** The calls about processes, as a client makes them. */
export function processClient(service: Service) {
  const post = (path: string, json?: unknown, headers: Headers = {}) => {
    const options: RequestOptions = { method: 'POST', headers, ...(json === undefined ? {} : { json }) }
    return service.request(`/v1/processes${path}`, options)
  }
  const client = {
    post,
    create: (json: unknown, headers: Headers = {}) => post('', json, headers),
    get: (id: string, headers: Headers = {}) => service.request(`/v1/processes/${id}`, { headers }),
    claim: (id: string, worker = 'w1', headers: Headers = {}) => post(`/${id}/claim`, { worker }, headers),
    report: (id: string, json: Record<string, unknown>) =>
      post(`/${id}/reports`, { worker: 'w1', attempt: 1, ...json }),
    cancel: (id: string, headers: Headers = {}) => post(`/${id}/cancel`, undefined, headers),
    retry: (id: string, headers: Headers = {}) => post(`/${id}/retry`, undefined, headers),
    remove: (id: string) => service.request(`/v1/processes/${id}`, { method: 'DELETE' }),

    async made(json: Record<string, unknown> = {}, headers: Headers = {}): Promise<ProcessJson> {
      return await read(await client.create({ type: 'training', ...json }, headers), 201)
    },
    async read(id: string): Promise<ProcessJson> {
      return await read(await client.get(id), 200)
    },
    async list(query = ''): Promise<ProcessListJson> {
      return (await expectOk(await service.request(`/v1/processes${query}`), 200)) as ProcessListJson
    },
    async reported(id: string, json: Record<string, unknown>): Promise<ReportedJson> {
      return (await expectOk(await client.report(id, json), 200)) as ReportedJson
    },
  }
  return client
}

async function read(answer: Response, status: number): Promise<ProcessJson> {
  return (await expectOk(answer, status)) as ProcessJson
}

async function expectOk(answer: Response, status: number): Promise<unknown> {
  const text = await answer.text()
  expect({ status: answer.status, text }).toMatchObject({ status })
  return JSON.parse(text)
}
