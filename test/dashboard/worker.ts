import { expect } from 'vitest'

export interface Claimed {
  readonly id: string
  readonly attempt: number
  readonly dataset: string
  readonly config: Readonly<Record<string, unknown>>
}

/** A worker beside the dashboard: what it is given came through the dashboard's calls, what it makes is found by them. */
export function openWorker(baseUrl: string) {
  const worker = `gpu-${Math.random().toString(36).slice(2, 10)}`
  let seq = 0
  const post = async (path: string, json: unknown) => {
    const answer = await fetch(`${baseUrl}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(json),
    })
    expect(answer.status, path).toBe(200)
    return await answer.json()
  }
  return {
    claim: async (type: string) => (await post('processes/claim', { worker, types: [type] })) as Claimed,
    async report({ id, attempt }: Claimed, said: object) {
      await post(`processes/${id}/reports`, { worker, attempt, seq, ...said })
      seq += 1
    },
    async pull(dataset: string): Promise<string[]> {
      const answer = await fetch(`${baseUrl}/v1/datasets/${encodeURIComponent(dataset)}`)
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { files: { name: string }[] }).files.map(({ name }) => name)
    },
    async store({ id }: Claimed, path: string, body: Uint8Array<ArrayBuffer>) {
      const answer = await fetch(`${baseUrl}/v1/objects/results/${id}/${path}`, { method: 'PUT', body })
      expect(answer.status).toBe(201)
    },
  }
}
