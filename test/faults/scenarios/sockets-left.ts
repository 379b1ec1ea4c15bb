import { eventually } from '../matrix/eventually.ts'
import type { Rig } from '../matrix/rig.ts'

/** Node's fetch closes connections that nobody has used for four seconds. */
const idleMs = 8_000

/** Connections to the store that are still open when those that nobody uses are not: somebody holds them. */
export async function socketsLeftOf({ proxy, fake }: Rig): Promise<number> {
  const isNone = (open: number) => open === 0
  return eventually(() => Math.max(proxy.connections().client, fake.connections()), isNone, idleMs)
}
