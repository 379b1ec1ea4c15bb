import type { ProcessState } from '../../../domain/process/process-state.ts'

/** What the dashboard shows of a config, in the place where its YAML has it. A whole one may have 128 KiB, and lists are long. */
export function shownConfig(config: ProcessState['config']) {
  const { name, triggerWord, model } = jobIn(config)
  const loraPath = textIn(model, 'lora_path')
  return {
    config: {
      ...(name !== undefined && { name }),
      process: [
        {
          ...(triggerWord !== undefined && { trigger_word: triggerWord }),
          ...(loraPath !== undefined && { model: { lora_path: loraPath } }),
        },
      ],
    },
  }
}

/** `config.name`, and of `config.process[0]` what is shown. */
export function jobIn(config: ProcessState['config']) {
  const job = member(config, 'config')
  const [first] = [member(job, 'process')].flat()
  return { name: textIn(job, 'name'), triggerWord: textIn(first, 'trigger_word'), model: member(first, 'model') }
}

const longestShown = 1000

/** The text of that name, cut where it is too long to be shown; `undefined` where there is none. */
export function textIn(mapping: unknown, name: string): string | undefined {
  const value = member(mapping, name)
  return typeof value === 'string' ? value.slice(0, longestShown) : undefined
}

function member(mapping: unknown, name: string): unknown {
  return typeof mapping === 'object' && mapping !== null ? (mapping as Record<string, unknown>)[name] : undefined
}
