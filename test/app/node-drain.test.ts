import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { startService } from './started-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const MiB = 2 ** 20
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** As browsers and workers do: connections stay open for the next request. */
function keepAlive(options: AgentOptions = {}): Agent {
  const agent = new Agent({ ...options, keepAlive: true })
  onTestFinished(() => agent.destroy())
  return agent
}

/** More than the sockets between us can hold, so that the download is under way until its reader goes on. */
async function withObject() {
  const dataDir = await temporaryFolder()
  const service = startService({ DATA_DIR: dataDir })
  const url = await service.url
  const object = randomBytes(48 * MiB)
  const put = await fetch(`${url}/v1/objects/files/large.bin`, { method: 'PUT', body: object })
  expect(put.status).toBe(201)
  return { service, url, object, dataDir }
}

async function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

async function beginDownload(url: string): Promise<IncomingMessage> {
  const answer = await answerOf(request(`${url}/v1/objects/files/large.bin`, { agent: keepAlive() }).end())
  expect(answer.statusCode).toBe(200)
  await once(answer, 'readable')
  return answer
}

function beginUpload(url: string, sizeBytes: number, agent = keepAlive()): ClientRequest {
  const sent = request(`${url}/v1/objects/files/uploaded.bin`, {
    method: 'PUT',
    agent,
    headers: { 'content-length': sizeBytes },
  })
  sent.on('error', () => {})
  return sent
}

it('SIGTERM lets a download and an upload end whole, takes no new connection, and ends with 0 when they have', async () => {
  const { service, url, object } = await withObject()
  const body = randomBytes(4 * MiB)
  const download = await beginDownload(url)
  const upload = beginUpload(url, body.byteLength)
  upload.write(body.subarray(0, body.byteLength / 2))
  await sleep(100)

  service.kill('SIGTERM')
  await service.said(/^SIGTERM: finishing/m)
  await expect(answerOf(request(`${url}/livez`, { agent: keepAlive() }).end())).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })

  await sleep(1000)
  upload.end(body.subarray(body.byteLength / 2))
  const stored = await answerOf(upload)
  expect(stored.statusCode).toBe(201)
  expect(JSON.parse(Buffer.concat(await stored.toArray()).toString())).toMatchObject({
    size: body.byteLength,
    sha256: sha256(body),
  })
  expect(sha256(Buffer.concat(await download.toArray()))).toBe(sha256(object))

  const endedAtMs = performance.now()
  expect(await service.ended).toBe(0)
  // The connections of both were kept alive, and are not waited for.
  expect(performance.now() - endedAtMs).toBeLessThan(6000)
})

it('SIGTERM ends within ten seconds, with 0, when somebody neither reads nor sends', async () => {
  const { service, url, dataDir } = await withObject()
  const download = await beginDownload(url)
  beginUpload(url, 2 * MiB).write(randomBytes(MiB))
  await sleep(100)

  const startedAtMs = performance.now()
  service.kill('SIGTERM')
  expect(await service.ended).toBe(0)
  expect(performance.now() - startedAtMs).toBeLessThan(10_000)
  // What did not end whole does not look as if it had.
  await expect(download.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(await readdir(join(dataDir, 'lora-dashboard/files'))).toEqual(['large.bin'])
})

it('a request that follows on a connection in use is answered, and told that the connection ends', async () => {
  const service = startService({ DATA_DIR: await temporaryFolder() })
  const url = await service.url
  const agent = keepAlive({ maxSockets: 1 })
  const upload = beginUpload(url, 6, agent)
  upload.write('abc')
  const following = request(`${url}/livez`, { agent }).end()
  await sleep(100)

  service.kill('SIGTERM')
  await service.said(/^SIGTERM: finishing/m)
  upload.end('def')
  const stored = await answerOf(upload)
  expect(stored.statusCode).toBe(201)
  stored.resume()
  const followed = await answerOf(following)
  expect(followed.statusCode).toBe(200)
  expect(followed.headers.connection).toBe('close')
  expect(await service.ended).toBe(0)
})

it('SIGTERM does not wait for idle connections', async () => {
  const service = startService({ DATA_DIR: await temporaryFolder() })
  const url = await service.url
  const agent = keepAlive()
  const used = await answerOf(request(`${url}/livez`, { agent }).end())
  await used.toArray()
  const unused = connect(Number(new URL(url).port), '127.0.0.1')
  await once(unused, 'connect')

  const startedAtMs = performance.now()
  service.kill('SIGTERM')
  expect(await service.ended).toBe(0)
  expect(performance.now() - startedAtMs).toBeLessThan(6000)
})

it('a second signal ends at once', async () => {
  const { service, url } = await withObject()
  const download = await beginDownload(url)
  download.on('error', () => {})
  service.kill('SIGINT')
  await service.said(/^SIGINT: finishing/m)
  service.kill('SIGINT')
  expect(await service.ended).toBe(1)
})
