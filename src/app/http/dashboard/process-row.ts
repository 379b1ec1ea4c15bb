import type { ReadProcess } from '../../../domain/process/process-ledger.ts'
import type { ProcessStatus } from '../../../domain/process/process-state.ts'
import { progressOf } from '../../../domain/process/progress.ts'
import { shownConfig } from './shown-config.ts'

/** The words that the dashboard knows. */
const shownStatus: Record<ProcessStatus, string> = {
  queued: 'pending',
  starting: 'running',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
}

/**
 * A process as a row of the dashboard. A pure function of its state: the times are those of the last report, so that a list in
 * which nothing has happened stays the same.
 */
export function processRow({ state }: Pick<ReadProcess, 'state'>, { storePrefix }: { storePrefix: string }) {
  const { percent, etaSeconds } = progressOf(state)
  const elapsedSeconds = secondsBetween(state.startedAt, state.endedAt ?? state.updatedAt)
  return {
    id: state.id,
    name: state.name,
    type: state.type,
    status: shownStatus[state.status],
    // Rounded down: 100 is for what is done.
    progress: Math.floor(percent ?? 0),
    step: state.step,
    ...(state.totalSteps !== null && { total_steps: state.totalSteps }),
    ...(elapsedSeconds !== undefined && { elapsed_time: elapsedSeconds }),
    ...(etaSeconds !== null && { eta: etaSeconds }),
    created_at: state.createdAt,
    updated_at: state.updatedAt,
    config: shownConfig(state.config),
    output_path: `${storePrefix}/results/${state.id}`,
    ...(state.error !== null && { error: state.error.message, error_message: state.error.message }),
  }
}

function secondsBetween(from: string | null, to: string): number | undefined {
  return from === null ? undefined : Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000))
}
