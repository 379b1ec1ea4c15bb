import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

export interface Growth {
  /** When the work began, and at the worst moment of it. */
  readonly beforeMiB: number
  readonly peakMiB: number
  readonly growthMiB: number
}

/** How much more of the machine's memory the processes had while `work` ran, by the kernel's own count. Linux alone. */
export async function growthDuring(pids: readonly number[], work: () => Promise<void>): Promise<Growth> {
  // 5: the peak is counted from now on. See proc(5).
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5')
  const together = (which: 'VmRSS' | 'VmHWM') => pids.reduce((sum, pid) => sum + residentMiB(pid, which), 0)
  const beforeMiB = together('VmRSS')
  await work()
  const peakMiB = together('VmHWM')
  return { beforeMiB, peakMiB, growthMiB: peakMiB - beforeMiB }
}

function residentMiB(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
}

/** The processes called `name` among the children of `pid`, and theirs. */
export function descendants(pid: number, name: string): number[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => ({ pid: Number(entry), ...statusOf(Number(entry)) }))
  const below = (parent: number): typeof all =>
    all.filter(({ parentPid }) => parentPid === parent).flatMap((child) => [child, ...below(child.pid)])
  const found = below(pid).filter((child) => child.name === name)
  if (found.length === 0) throw new Error(`${pid} has no child ${name}`)
  return found.map((child) => child.pid)
}

function statusOf(pid: number): { name: string; parentPid: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return { name: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '', parentPid: Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]) }
  } catch {
    // Gone since it was listed.
    return { name: '', parentPid: 0 }
  }
}
