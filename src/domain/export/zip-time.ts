/** The two 16-bit fields of APPNOTE 4.4.6, which count in steps of two seconds. */
export interface DosTime {
  readonly date: number
  readonly time: number
}

const earliestMs = Date.UTC(1980, 0, 1)
const latestMs = Date.UTC(2107, 11, 31, 23, 59, 58)

/** The instant in UTC, because the format knows no zone and the bytes must be the same everywhere; clamped to 1980–2107. */
export function dosTime(instantMs: number): DosTime {
  const at = new Date(Math.min(Math.max(instantMs, earliestMs), latestMs))
  return {
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  }
}

/** Seconds since 1970 for the extra field 0x5455, or `undefined` where readers differ: it has 31 bits that all agree on. */
export function unixSeconds(instantMs: number): number | undefined {
  const seconds = Math.floor(instantMs / 1000)
  return seconds >= 0 && seconds <= 0x7fff_ffff ? seconds : undefined
}
