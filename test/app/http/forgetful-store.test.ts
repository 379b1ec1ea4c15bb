import { describe, expect, it } from 'vitest'
import { createForgetfulStore } from '../../adapters/sidecars/forgetful-store.ts'
import { createService } from '../memory-service.ts'
import { caption, image, upload } from './uploads.ts'

const service = () => createService({ wrap: createForgetfulStore })

describe('over a store that forgets what is said of an object', () => {
  it('the content type comes back', async () => {
    const own = service()
    const headers = { 'content-type': 'application/x-own' }
    await own.request('/v1/objects/files/a.bin', { method: 'PUT', body: 'x', headers })
    const answer = await own.request('/v1/objects/files/a.bin')
    expect(answer.headers.get('content-type')).toBe('application/x-own')
    expect(await answer.text()).toBe('x')
  })

  it('what is sent again is seen to be there', async () => {
    const own = service()
    const files = [image('a.jpg'), caption('a.txt')]
    expect((await upload(own, 'matt', files)).totals).toMatchObject({ stored: 2 })
    expect((await upload(own, 'matt', files)).totals).toMatchObject({ stored: 0, unchanged: 2 })
  })

  it('the list of an export knows its checksums without reading a byte', async () => {
    const own = service()
    await upload(own, 'matt', [image('a.jpg'), caption('a.txt')])
    const made = await own.request('/v1/exports', { method: 'POST', json: { include: [{ dataset: 'matt' }] } })
    expect(made.status).toBe(201)
    const { id } = (await made.json()) as { id: string }
    const { entries } = (await (await own.request(`/v1/exports/${id}`)).json()) as { entries: unknown[] }
    expect(entries).toHaveLength(2)
    expect(JSON.stringify(entries)).not.toContain('null')
  })

  it('its own bookkeeping is neither listed nor doubled', async () => {
    const own = service()
    await upload(own, 'matt', [caption('a.txt')])
    await own.request('/v1/processes', { method: 'POST', json: { id: 'run-1', type: 'training', dataset: 'matt' } })
    const { objects } = (await (await own.request('/v1/objects')).json()) as { objects: { key: string }[] }
    expect(objects.map(({ key }) => key)).toEqual(['dataset/matt/a.txt'])
    expect(await own.keys('sidecars/')).toHaveLength(1)
    const seen = await own.request('/v1/capabilities')
    expect(await seen.json()).toMatchObject({
      capabilities: { objectMetadata: true, metadataBeside: true },
      fallbacks: expect.arrayContaining([{ capability: 'metadataBeside', instead: expect.stringContaining('beside') }]),
    })
  })
})
