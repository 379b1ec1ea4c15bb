import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Exchange, type ProxiedConnection, proxyConnection } from './proxy/connection.ts'
import { watchRefusals } from './proxy/refused-connects.ts'
import { type Aim, isAimedAt, type Toxic } from './proxy/toxics.ts'
import { createRandom } from './random.ts'

export interface FaultProxy {
  /** Where clients connect: `http://127.0.0.1:{port}`. */
  readonly origin: string
  /** Lets requests meet a toxic. Returns the way to take it back; a request that has begun keeps it. */
  add(aim: Aim, toxic: Toxic): () => void
  /**
   * Closes the listener and resets every connection. Listens again after so many refusals, counted among the connections
   * that this process tries, or on `accept`.
   */
  refuse(connections: number | 'ever'): Promise<void>
  accept(): Promise<void>
  /** Told of every request before a byte of it is passed on, and when all of its answer has been. */
  watch(listener: (event: 'asked' | 'answered', exchange: Exchange) => void): () => void
  /** Every request, in order. */
  readonly exchanges: readonly Exchange[]
  /** TCP connections open now on both sides, and those among them with a request under way. */
  connections(): { readonly client: number; readonly origin: number; readonly busy: number }
  stop(): Promise<void>
}

/**
 * A proxy on a free port of 127.0.0.1 in front of an S3 server, which spoils what it is told to spoil: by operation,
 * n-th request, direction and byte, never by time. Without toxics it changes nothing.
 */
export async function startFaultProxy({ target, seed }: { target: string; seed: number }): Promise<FaultProxy> {
  const random = createRandom(seed)
  const { hostname, port: originPort } = new URL(target)
  const aimed: { readonly aim: Aim; readonly toxic: Toxic; met: number }[] = []
  const listeners = new Set<(event: 'asked' | 'answered', exchange: Exchange) => void>()
  const exchanges: Exchange[] = []
  const open = new Map<ProxiedConnection, { client: Socket; origin: Socket }>()

  const toxicsFor = (exchange: Exchange) => {
    const met = aimed.filter((one) => {
      if (one.aim.operation !== 'any' && one.aim.operation !== exchange.operation) return false
      one.met += 1
      return isAimedAt(one.aim.which, one.met)
    })
    const inDirection = (direction: Aim['direction']) =>
      met.filter(({ aim }) => aim.direction === direction).map(({ toxic }) => toxic)
    return { up: inDirection('up'), down: inDirection('down') }
  }

  const tell = (event: 'asked' | 'answered', exchange: Exchange) => {
    for (const listener of listeners) listener(event, exchange)
  }

  const join = (client: Socket): void => {
    // Errors of the time before the two are joined.
    client.on('error', () => {})
    const origin = connect({ host: hostname, port: Number(originPort), allowHalfOpen: true })
    const connection = proxyConnection(client, origin, {
      random,
      asked(exchange) {
        exchanges.push(exchange)
        const toxics = toxicsFor(exchange)
        tell('asked', exchange)
        return toxics
      },
      answered: (exchange) => tell('answered', exchange),
    })
    open.set(connection, { client, origin })
    connection.over.then(() => open.delete(connection))
  }

  let port = 0
  let server: Server | undefined
  let refusalsLeft = 0

  const accept = async (): Promise<void> => {
    if (server !== undefined) return
    const opening = createServer({ allowHalfOpen: true }, join)
    server = opening
    opening.listen(port, '127.0.0.1')
    await once(opening, 'listening')
    port = (opening.address() as AddressInfo).port
  }

  const stopListening = async (): Promise<void> => {
    const closing = server
    server = undefined
    const closed = closing === undefined ? undefined : new Promise((resolve) => closing.close(resolve))
    for (const connection of open.keys()) connection.reset()
    await closed
  }

  await accept()
  const stopWatching = watchRefusals(
    () => port,
    () => {
      if (server !== undefined) return
      refusalsLeft -= 1
      if (refusalsLeft <= 0) accept()
    },
  )

  return {
    origin: `http://127.0.0.1:${port}`,
    exchanges,

    add(aim, toxic) {
      const one = { aim, toxic, met: 0 }
      aimed.push(one)
      return () => {
        const at = aimed.indexOf(one)
        if (at !== -1) aimed.splice(at, 1)
      }
    },

    async refuse(connections) {
      refusalsLeft = connections === 'ever' ? Number.POSITIVE_INFINITY : connections
      await stopListening()
    },

    accept,

    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    connections() {
      const pairs = [...open]
      return {
        client: pairs.filter(([, { client }]) => !client.destroyed).length,
        origin: pairs.filter(([, { origin }]) => !origin.destroyed).length,
        busy: pairs.filter(([connection]) => connection.isBusy()).length,
      }
    },

    async stop() {
      stopWatching()
      await stopListening()
    },
  }
}
