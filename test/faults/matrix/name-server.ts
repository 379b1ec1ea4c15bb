import dns from 'node:dns'

/** What ends like this is known to nobody but us. */
const ours = '.rig.test'
const failuresLeft = new Map<string, number>()
const ask = dns.lookup

type Answered = (error: NodeJS.ErrnoException | null, address?: unknown, family?: number) => void

// Whoever connects by name asks this function of the module, each time anew.
dns.lookup = ((hostname: string, options: { all?: boolean }, answered: Answered) => {
  if (!hostname.endsWith(ours)) return ask(hostname, options as dns.LookupOptions, answered as () => void)
  const left = failuresLeft.get(hostname) ?? 0
  failuresLeft.set(hostname, left - 1)
  if (left > 0) {
    const unknown = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND', hostname })
    return answered(unknown)
  }
  const address = { address: '127.0.0.1', family: 4 }
  return options.all === true ? answered(null, [address]) : answered(null, address.address, address.family)
}) as typeof dns.lookup

let names = 0

/** A name for a server on this machine, which nobody else uses. */
export function newName(): string {
  names += 1
  return `store-${names}${ours}`
}

/** The next so many look-ups of the name find nothing. */
export function failLookups(hostname: string, times: number): void {
  failuresLeft.set(hostname, times)
}
