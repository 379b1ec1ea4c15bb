import { CodedError } from '../../ports/errors.ts'
import { segmentFault } from '../../ports/object-key.ts'
import { type DatasetName, datasetName } from '../dataset/dataset-name.ts'
import { TooLarge } from '../errors.ts'

/** A config that cannot be the config of a job. The message says where. */
export class InvalidJobConfig extends CodedError {
  readonly code = 'invalid-request'
}

type Mapping = Readonly<Record<string, unknown>>

export interface JobConfig {
  /** The whole of it, as JSON can say it. */
  readonly config: Mapping
  readonly name: string | undefined
  readonly totalSteps: number | undefined
  readonly dataset: DatasetName | undefined
}

/** The state is read and written whole by every report, and held for every list. */
export const maxConfigLength = 128 * 1024
export const maxConfigDepth = 64
const maxNameLength = 200

/**
 * What a store wants to know of a job in the form that AI Toolkit made usual: `config.name`, and of the first process its
 * steps and the dataset that its folder names, `…/dataset/{name}`. What is absent or of another kind is not known, and is
 * the worker's to judge. Throws `InvalidJobConfig`, or `TooLarge`.
 */
export function jobConfig(document: unknown): JobConfig {
  const config = plainMapping(document)
  const job = mapping(config.config)
  const process = mapping(list(job?.process)[0])
  const steps = mapping(process?.train)?.steps
  return {
    config,
    name: nameIn(job?.name),
    totalSteps:
      typeof steps === 'number' && Number.isInteger(steps) && steps >= 1 && steps <= 2 ** 31 ? steps : undefined,
    dataset: datasetIn(mapping(list(process?.datasets)[0])?.folder_path) ?? datasetIn(process?.training_folder),
  }
}

function nameIn(given: unknown): string | undefined {
  if (typeof given !== 'string' && typeof given !== 'number') return undefined
  const name = [...`${given}`.trim()].slice(0, maxNameLength).join('')
  return name === '' ? undefined : name
}

/** `lora-dashboard/dataset/matt` is what an upload answers, `/workspace/lora-dashboard/dataset/matt` where a volume is mounted. */
function datasetIn(path: unknown): DatasetName | undefined {
  const name = typeof path === 'string' ? /(?:^|\/)dataset\/([^/]+)\/*$/.exec(path.trim())?.[1] : undefined
  if (name === undefined || segmentFault(name.normalize('NFC')) !== undefined) return undefined
  try {
    return datasetName(name)
  } catch {
    return undefined
  }
}

const mapping = (value: unknown): Mapping | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : undefined
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** A copy that is a tree. Aliases in YAML can say gigabytes in a few lines, so that the copy is measured while it grows. */
function plainMapping(document: unknown): Mapping {
  let left = maxConfigLength
  const spend = (length: number) => {
    left -= length
    if (left < 0) throw new TooLarge(`the config has more than ${maxConfigLength} characters as JSON`)
  }

  function copy(value: unknown, path: string, depth: number): unknown {
    if (depth > maxConfigDepth) throw new InvalidJobConfig(`the config is nested deeper than ${maxConfigDepth} levels`)
    const isContainer = typeof value === 'object' && value !== null
    if (!isContainer) {
      if (typeof value === 'number' && !Number.isFinite(value)) {
        throw new InvalidJobConfig(`${path} is ${value}, which cannot be kept as JSON`)
      }
      spend(`${JSON.stringify(value)}`.length + 1)
      return value
    }
    spend(2)
    if (Array.isArray(value)) return value.map((each, index) => copy(each, `${path}[${index}]`, depth + 1))
    const entries = Object.entries(value).map(([name, each]) => {
      spend(JSON.stringify(name).length + 1)
      return [name, copy(each, path === '' ? name : `${path}.${name}`, depth + 1)]
    })
    return Object.fromEntries(entries)
  }

  if (mapping(document) === undefined) throw new InvalidJobConfig('the config is not a mapping of names to values')
  return copy(document, '', 0) as Mapping
}
