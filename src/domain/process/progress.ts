import { isFinal, type ProcessState } from './process-state.ts'

export interface Progress {
  readonly step: number
  readonly totalSteps: number | null
  /** 0 to 100, rounded down to a tenth, so that 100 means done. */
  readonly percent: number | null
  readonly etaSeconds: number | null
}

/** Derived from what the worker reported; the estimate assumes the pace of the steps so far. */
export function progressOf(state: ProcessState): Progress {
  const { step, totalSteps, status, startedAt, updatedAt } = state
  if (totalSteps === null) return { step, totalSteps, percent: status === 'completed' ? 100 : null, etaSeconds: null }
  const percent = status === 'completed' ? 100 : Math.min(100, Math.floor((step / totalSteps) * 1000) / 10)
  if (isFinal(status) || startedAt === null || step === 0) return { step, totalSteps, percent, etaSeconds: null }
  const elapsedSeconds = (Date.parse(updatedAt) - Date.parse(startedAt)) / 1000
  const etaSeconds = Math.max(0, Math.round((elapsedSeconds / step) * (totalSteps - step)))
  return { step, totalSteps, percent, etaSeconds }
}
