const MiB = 2 ** 20

interface Setting {
  readonly fallback: number
  readonly min: number
  readonly max: number
}

const setting = (fallback: number, [min, max]: readonly [number, number]): Setting => ({ fallback, min, max })

const aDayMs = 86_400_000
const times = [1, aDayMs] as const
const places = [1, 10_000] as const

/**
 * Every limit of the guard around the store, with its unit in its name, its default, its bounds and its meaning. The
 * operator sets them as `STORE_{NAME}`, see `src/app/store-settings.ts`. The comments are the page that he reads:
 * docs/operations.md has the same table, and a test compares them.
 */
export const settingsTable = {
  /** Attempts after the first. */
  retriesMax: setting(3, [0, 20]),
  /** The first retry waits for a random time up to this; doubled for each further one. */
  backoffFirstMs: setting(200, times),
  /** The longest that a retry waits by itself. */
  backoffMaxMs: setting(5_000, times),
  // No adapter asks for more, so that what is set here is what decides.
  /** The longest time for which a store that asks to be left alone is obeyed, a minute at most. */
  retryAfterMaxMs: setting(60_000, [1, 60_000]),
  /** Retries that all calls may spend together while nothing succeeds, in points. */
  budget: setting(100, [0, 1_000_000]),
  /** Points that a retry costs; each success gives one back. */
  budgetPerRetry: setting(5, [0, 1_000]),
  /** Points that a retry costs after the store asked for fewer calls. */
  budgetPerThrottledRetry: setting(10, [0, 1_000]),

  /** One attempt at a head, a delete, opening or dropping an upload. */
  metaAttemptMs: setting(10_000, times),
  /** All attempts at one of those small calls, with queueing and waiting. */
  metaDeadlineMs: setting(30_000, times),
  /** Added to both for each key of a delete of many, which may have to go one by one. */
  deleteEachMs: setting(100, times),
  // RunPod computes checksums during the first listing of a folder.
  /** One attempt at a page of a listing. */
  listAttemptMs: setting(60_000, times),
  /** All attempts at a page of a listing. */
  listDeadlineMs: setting(300_000, times),
  /** One attempt at a get, until its headers. */
  openAttemptMs: setting(30_000, times),
  /** All attempts at a get, until its headers. */
  openDeadlineMs: setting(90_000, times),
  /** How long a body may stand still while somebody waits for it. */
  bodyIdleMs: setting(30_000, times),
  /** A body that moves more slowly than this is asked for anew. */
  bodyFloorBytesPerSecond: setting(8 * 1024, [0, 2 ** 30]),
  /** The time over which the speed of a body is measured, without the time of slow readers. */
  bodyFloorWindowMs: setting(30_000, times),
  /** Failures of a body in a row, without a byte between them, that are resumed. */
  bodyFailuresMax: setting(5, [0, 100]),
  /** An attempt at sending a body has this long and the time that the body takes at the next rate. */
  sendOverheadMs: setting(15_000, times),
  /** The rate at which a body must be sent at least, in bytes a second. */
  sendBytesPerSecond: setting(MiB / 4, [1, 2 ** 40]),
  /** The least time that an attempt at sending has. */
  sendAttemptMinMs: setting(30_000, times),
  // Proxies before RunPod answer 524 near 100 s; their answer is better than none.
  /** The most time that an attempt at sending has. */
  sendAttemptMaxMs: setting(110_000, times),
  /** The deadline of a send is the time of this many attempts. */
  sendAttempts: setting(3, [2, 20]),
  // Stores that join files need long, and go on when we give up.
  /** One attempt at joining parts. */
  completeAttemptMs: setting(110_000, times),
  /** The most time that an attempt at joining has; beside a store behind a proxy, the time after which that has answered. */
  completeAttemptMaxMs: setting(aDayMs, times),
  /** All attempts at joining parts, with looking whether it has happened. */
  completeDeadlineMs: setting(300_000, times),
  /** Both times for joining grow by the time that the object takes at this rate, in bytes a second. */
  joinBytesPerSecond: setting(8 * MiB, [1, 2 ** 40]),
  /** A joining that fails only after this long may go on, and is watched for longer. */
  completeSlowMs: setting(10_000, times),
  /** How long to wait before looking again for joined parts; doubled each time. */
  completeLookFirstMs: setting(1_000, times),
  /** The longest wait before looking again. */
  completeLookMaxMs: setting(60_000, times),
  /** How often to look after each attempt at joining. */
  completeLooksMax: setting(5, [1, 100]),
  /** One attempt at finding out what the store can do: about fifty requests. */
  probeAttemptMs: setting(60_000, times),
  /** All attempts at finding that out. */
  probeDeadlineMs: setting(120_000, times),

  /** Whole bodies being sent, and bodies being opened for reading, at once. */
  dataAtOnce: setting(32, places),
  /** Bodies that may wait for that, and as many parts for theirs. */
  dataQueued: setting(1_024, [0, 100_000]),
  /** Parts of large uploads being sent at once; they have these places beside those of whole bodies. */
  partsAtOnce: setting(32, places),
  /** Small calls at once. */
  metaAtOnce: setting(64, places),
  /** Small calls that may wait. */
  metaQueued: setting(1_024, [0, 100_000]),
  /** Listings at once. */
  listAtOnce: setting(8, places),
  /** Listings that may wait. */
  listQueued: setting(64, [0, 100_000]),
  /** When a caller who found a queue full is asked to come back. */
  fullRetryAfterMs: setting(1_000, times),

  /** A circuit opens when more than this share of its last calls failed. */
  circuitFailuresMax: setting(0.75, [0.01, 0.99]),
  /** How many of its last calls a circuit looks at. */
  circuitCalls: setting(20, [1, 10_000]),
  /** How many there must have been before a circuit can open. */
  circuitCallsMin: setting(10, [1, 10_000]),
  /** For how long a circuit opens at first; doubled each time, with jitter. */
  openFirstMs: setting(1_000, times),
  // Three small calls every five seconds are no load, and users wait for no longer than that once the store is back.
  /** The longest time for which a circuit opens. */
  openMaxMs: setting(5_000, times),
  /** How many calls then try whether the circuit may close. */
  halfOpenCalls: setting(3, [1, 100]),
  /** The share of those tries that may fail. */
  halfOpenFailuresMax: setting(0.34, [0.01, 0.99]),
  // Above the common time-outs of an attempt: who tries and has not failed by then is busy with a large body.
  /** How long those tries may take before others are let in, too. */
  halfOpenMaxMs: setting(65_000, times),
} satisfies Record<string, Setting>

export type SettingName = keyof typeof settingsTable
export type ResilienceSettings = Readonly<Record<SettingName, number>>

export const defaultSettings = Object.fromEntries(
  Object.entries(settingsTable).map(([name, { fallback }]) => [name, fallback]),
) as ResilienceSettings

/** Shorter times for the small documents that processes live in: a worker waits for each of them. */
export function stateSettings(settings: ResilienceSettings): ResilienceSettings {
  const attemptMs = 5_000
  const deadlineMs = 20_000
  return {
    ...settings,
    metaAttemptMs: Math.min(settings.metaAttemptMs, attemptMs),
    metaDeadlineMs: Math.min(settings.metaDeadlineMs, deadlineMs),
    openAttemptMs: Math.min(settings.openAttemptMs, attemptMs),
    openDeadlineMs: Math.min(settings.openDeadlineMs, deadlineMs),
    sendOverheadMs: Math.min(settings.sendOverheadMs, attemptMs),
    sendAttemptMinMs: Math.min(settings.sendAttemptMinMs, attemptMs),
  }
}

export interface SettingsFault {
  readonly small: SettingName
  readonly large: SettingName
  readonly smallValue: number
  readonly largeValue: number
  /** Whether it may not be equal either. */
  readonly strict: boolean
}

type Pair = readonly [small: SettingName, large: SettingName]

/**
 * An attempt that ends when its call does fails for nobody: the caller's deadline is no fault of the store, so that a circuit
 * would never open.
 */
const below: readonly Pair[] = [
  ['metaAttemptMs', 'metaDeadlineMs'],
  ['listAttemptMs', 'listDeadlineMs'],
  ['openAttemptMs', 'openDeadlineMs'],
  ['completeAttemptMs', 'completeDeadlineMs'],
  ['probeAttemptMs', 'probeDeadlineMs'],
]

const notAbove: readonly Pair[] = [
  ['backoffFirstMs', 'backoffMaxMs'],
  // A budget that is smaller than a retry never pays for one.
  ['budgetPerRetry', 'budget'],
  ['budgetPerThrottledRetry', 'budget'],
  ['sendAttemptMinMs', 'sendAttemptMaxMs'],
  ['completeAttemptMs', 'completeAttemptMaxMs'],
  ['completeLookFirstMs', 'completeLookMaxMs'],
  ['circuitCallsMin', 'circuitCalls'],
  ['openFirstMs', 'openMaxMs'],
]

/** What cannot work together: `small` is above `large`, or as large. Empty when all is well. */
export function settingsFaults(settings: ResilienceSettings): SettingsFault[] {
  const faultsIn = (pairs: readonly Pair[], strict: boolean) =>
    pairs
      .map(([small, large]) => ({ small, large, smallValue: settings[small], largeValue: settings[large], strict }))
      .filter(({ smallValue, largeValue }) => (strict ? smallValue >= largeValue : smallValue > largeValue))
  return [...faultsIn(below, true), ...faultsIn(notAbove, false)]
}

/** How long one call may take. */
export interface Times {
  readonly attemptMs: number
  readonly deadlineMs: number
}

/** Which of the limits apply to which call. */
export function callTimes(settings: ResilienceSettings) {
  const meta: Times = { attemptMs: settings.metaAttemptMs, deadlineMs: settings.metaDeadlineMs }
  return {
    meta,
    list: { attemptMs: settings.listAttemptMs, deadlineMs: settings.listDeadlineMs } satisfies Times,
    open: { attemptMs: settings.openAttemptMs, deadlineMs: settings.openDeadlineMs } satisfies Times,
    probe: { attemptMs: settings.probeAttemptMs, deadlineMs: settings.probeDeadlineMs } satisfies Times,

    deleting(keys: number): Times {
      const moreMs = keys * settings.deleteEachMs
      return { attemptMs: meta.attemptMs + moreMs, deadlineMs: meta.deadlineMs + moreMs }
    },

    /** Joining may mean copying: a folder does, and so do gateways over file systems. */
    completing(sizeBytes: number): Times {
      const copyMs = (sizeBytes / settings.joinBytesPerSecond) * 1000
      return {
        attemptMs: Math.min(settings.completeAttemptMs + copyMs, settings.completeAttemptMaxMs),
        deadlineMs: settings.completeDeadlineMs + copyMs,
      }
    },

    /** Until the last byte, and as fast as bodies must be sent: a read at once is watched by nobody while it goes on. */
    receiving(sizeBytes: number): Times {
      const moreMs = Math.ceil((sizeBytes / settings.sendBytesPerSecond) * 1000)
      return { attemptMs: settings.openAttemptMs + moreMs, deadlineMs: settings.openDeadlineMs + moreMs }
    },

    sending(sizeBytes: number): Times {
      const fairMs = settings.sendOverheadMs + (sizeBytes / settings.sendBytesPerSecond) * 1000
      const attemptMs = Math.ceil(Math.min(Math.max(fairMs, settings.sendAttemptMinMs), settings.sendAttemptMaxMs))
      return { attemptMs, deadlineMs: attemptMs * settings.sendAttempts }
    },
  }
}
