import { readFileSync, writeFileSync } from 'node:fs'

/** Of one process, as Linux keeps it. */
export interface ProcessUsage {
  /** User and system time of all threads since its start, in steps of 10 ms. */
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** The most that was resident since its start, or since `forgetPeak`. */
  readonly peakBytes: number
}

/** USER_HZ, which Linux has fixed for what it tells programs. */
const ticksPerSecond = 100

export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold blanks: the fields from the third on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [userTicks, systemTicks] = [fields[11], fields[12]]
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytesOf = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return {
    cpuSeconds: (Number(userTicks) + Number(systemTicks)) / ticksPerSecond,
    residentBytes: bytesOf('VmRSS'),
    peakBytes: bytesOf('VmHWM'),
  }
}

/** From now on `peakBytes` is of what comes (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
