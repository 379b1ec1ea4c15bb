const MiB = 2 ** 20

/** Every limit of the guard around the store, with its unit in its name. Change them together: one bounds another. */
export const defaultSettings = {
  /** Attempts after the first. */
  retriesMax: 3,
  /** The n-th retry waits for a random time up to `backoffFirstMs · 2ⁿ⁻¹`, at most `backoffMaxMs`; or as long as the store asks. */
  backoffFirstMs: 200,
  backoffMaxMs: 5_000,

  /** One attempt, and all attempts with their queueing and waiting, at: heads, deletes, opening and dropping uploads. */
  metaAttemptMs: 10_000,
  metaDeadlineMs: 30_000,
  /** Added to both for each key of a `deleteMany`, which may have to delete one by one. */
  deleteEachMs: 100,
  /** RunPod computes checksums during the first listing of a folder. */
  listAttemptMs: 60_000,
  listDeadlineMs: 300_000,
  /** A `get` until its headers. The body has no limit but `bodyIdleMs`. */
  openAttemptMs: 30_000,
  openDeadlineMs: 90_000,
  /** How long a body may not move while somebody waits for it. */
  bodyIdleMs: 30_000,
  /** An attempt at sending n bytes: `sendOverheadMs + n / sendBytesPerSecond`, within the two limits. */
  sendOverheadMs: 15_000,
  sendBytesPerSecond: MiB / 4,
  sendAttemptMinMs: 30_000,
  // Proxies before RunPod answer 524 near 100 s; their answer is better than none.
  sendAttemptMaxMs: 110_000,
  /** The deadline of a send is this many attempts. */
  sendAttempts: 3,
  /** Stores that join files need long, and go on when we give up. */
  completeAttemptMs: 110_000,
  completeDeadlineMs: 120_000,
  /** Added to both for the size of the object. */
  joinBytesPerSecond: 8 * MiB,
  /** The first `capabilities` makes about forty requests. */
  probeAttemptMs: 60_000,
  probeDeadlineMs: 120_000,

  /** Calls at once and waiting, by class. `dataAtOnce` times the size of a part bounds the memory of uploads. */
  dataAtOnce: 32,
  dataQueued: 256,
  metaAtOnce: 64,
  metaQueued: 1_024,
  listAtOnce: 8,
  listQueued: 64,
  /** What a caller is told who found the queue full. */
  fullRetryAfterMs: 1_000,

  /** A circuit opens when more than this share of its last calls failed, once there were so many of them … */
  circuitFailuresMax: 0.75,
  circuitCalls: 20,
  circuitCallsMin: 10,
  /** … for a time that doubles, with jitter, up to the maximum; then so many calls are let through to see. */
  openFirstMs: 1_000,
  openMaxMs: 30_000,
  halfOpenCalls: 3,
  halfOpenFailuresMax: 0.34,
  /** Longer than any attempt. Who has not said by then how his try went will not say it any more. */
  halfOpenMaxMs: 180_000,
}

export type ResilienceSettings = Readonly<typeof defaultSettings>

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
      return { attemptMs: settings.completeAttemptMs + copyMs, deadlineMs: settings.completeDeadlineMs + copyMs }
    },

    sending(sizeBytes: number): Times {
      const fairMs = settings.sendOverheadMs + (sizeBytes / settings.sendBytesPerSecond) * 1000
      const attemptMs = Math.ceil(Math.min(Math.max(fairMs, settings.sendAttemptMinMs), settings.sendAttemptMaxMs))
      return { attemptMs, deadlineMs: attemptMs * settings.sendAttempts }
    },
  }
}
