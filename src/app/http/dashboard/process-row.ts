import type { ReadProcess } from '../../../domain/process/process-ledger.ts'
import type { ProcessState, ProcessStatus } from '../../../domain/process/process-state.ts'
import { progressOf } from '../../../domain/process/progress.ts'

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
    config: shownConfig(state),
    output_path: `${storePrefix}/results/${state.id}`,
    ...(state.error !== null && { error: state.error.message, error_message: state.error.message }),
  }
}

function secondsBetween(from: string | null, to: string): number | undefined {
  return from === null ? undefined : Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000))
}

/** What the dashboard shows of a config, in the place where its YAML has it. A whole one may have 128 KiB, and lists are long. */
function shownConfig({ config }: Pick<ProcessState, 'config'>) {
  const { name, trigger_word, model } = jobIn(config)
  const lora_path = shown(member(model, 'lora_path'))
  return {
    config: {
      ...(shown(name) !== undefined && { name: shown(name) }),
      process: [
        {
          ...(shown(trigger_word) !== undefined && { trigger_word: shown(trigger_word) }),
          ...(lora_path !== undefined && { model: { lora_path } }),
        },
      ],
    },
  }
}

/** `config.name` and `config.process[0]` of the YAML. */
export function jobIn(config: ProcessState['config']) {
  const job = member(config, 'config')
  const [first] = [member(job, 'process')].flat()
  return {
    name: member(job, 'name'),
    trigger_word: member(first, 'trigger_word'),
    model: member(first, 'model'),
    train: member(first, 'train'),
  }
}

export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

const longestShown = 1000

/** Text that is short enough to be shown. */
export function shown(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, longestShown) : undefined
}
