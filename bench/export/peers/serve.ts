import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { type Listed, listDataset } from './bucket.ts'

/** `GET /{dataset}.zip`, answered by `zip` over `node:http`. */
export function serveOnNode(zip: (response: ServerResponse, listed: Listed[]) => Promise<void>): void {
  listen((request, response) => {
    const dataset = request.url?.slice(1).replace(/\.zip$/, '') ?? ''
    response.setHeader('Content-Type', 'application/zip')
    listDataset(dataset)
      .then((listed) => zip(response, listed))
      .catch((error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
        response.destroy()
      })
  })
}

/** The same by Hono, for those that speak in Responses. */
export function serveOnHono(zip: (listed: Listed[]) => Response): void {
  const app = new Hono()
  app.get('/:file', async (c) => zip(await listDataset(c.req.param('file').replace(/\.zip$/, ''))))
  listen(getRequestListener(app.fetch))
}

function listen(listener: RequestListener): void {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port} \n`)
  })
}
