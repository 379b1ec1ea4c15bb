import type * as z from 'zod'
import {
  defaultSettings,
  type ResilienceSettings,
  type SettingName,
  type SettingsFault,
  settingsFaults,
  settingsTable,
} from '../adapters/resilience/settings.ts'
import type { Dialect } from '../adapters/s3/dialect.ts'
import { number } from './config-values.ts'

/** `bodyIdleMs` is set as `STORE_BODY_IDLE_MS`. */
export const variableOf = (name: string): string => `STORE_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`

const names = Object.keys(settingsTable) as SettingName[]

/**
 * The limits of the guard around the store, one variable each: the same table, read from the environment. Unset ones are
 * left to the profile of the store, and then to the table.
 */
export const storeVariables: Readonly<Record<string, z.ZodType<number | undefined>>> = Object.fromEntries(
  names.map((name) => {
    const { fallback, min, max } = settingsTable[name]
    return [variableOf(name), number(min, max, Number.isInteger(fallback)).optional()]
  }),
)

/** What the operator has set, of variables that were validated. */
export function storeSettings(variables: Readonly<Record<string, unknown>>): Partial<ResilienceSettings> {
  const given = names.flatMap((name) => {
    const value = variables[variableOf(name)]
    return typeof value === 'number' ? [[name, value]] : []
  })
  return Object.fromEntries(given)
}

/** What the dialect of a store wants otherwise than other stores. */
export function profileSettings({ partsAtOnce, attemptMsMax }: Dialect): Partial<ResilienceSettings> {
  return {
    ...(partsAtOnce !== undefined && { partsAtOnce }),
    ...(attemptMsMax !== undefined && { sendAttemptMaxMs: attemptMsMax, completeAttemptMaxMs: attemptMsMax }),
  }
}

export interface VariableFault {
  readonly path: string
  readonly message: string
}

/**
 * What cannot work together beside stores of these dialects, in the names of the variables. Only what was set is to blame:
 * where the other value comes from a profile or is a default, the message says so, and what to set. Variables that are
 * `wrong` by themselves are left out.
 */
export function storeSettingsFaults(
  variables: Readonly<Record<string, unknown>>,
  { wrong, dialects }: { wrong: ReadonlySet<unknown>; dialects: readonly (Dialect | undefined)[] },
): VariableFault[] {
  const given = storeSettings(variables)
  const found = new Map<string, VariableFault>()
  for (const dialect of dialects) {
    const ofProfile = dialect === undefined ? {} : profileSettings(dialect)
    const whence = (name: SettingName) =>
      ofProfile[name] === undefined ? 'by default' : `by the profile ${dialect?.name}`
    for (const fault of settingsFaults({ ...defaultSettings, ...ofProfile, ...given })) {
      if (wrong.has(variableOf(fault.small)) || wrong.has(variableOf(fault.large))) continue
      const told = inVariables(fault, given, whence)
      if (told !== undefined) found.set(`${told.path} ${told.message}`, told)
    }
  }
  return [...found.values()]
}

function inVariables(
  { small, large, smallValue, largeValue, strict }: SettingsFault,
  given: Partial<ResilienceSettings>,
  whence: (name: SettingName) => string,
): VariableFault | undefined {
  const [lower, upper] = [variableOf(small), variableOf(large)]
  if (given[small] !== undefined) {
    const right = strict ? `above ${smallValue}` : `to ${smallValue} or more`
    const also = given[large] === undefined ? ` ${whence(large)}: set ${upper} ${right}, too` : ''
    const rule = strict ? 'must be below' : 'must not be above'
    return { path: lower, message: `${smallValue} ${rule} ${upper}, which is ${largeValue}${also}` }
  }
  if (given[large] === undefined) return undefined
  const right = strict ? `below ${largeValue}` : `to ${largeValue} or less`
  const rule = strict ? 'must be above' : 'must not be below'
  const also = `${whence(small)}: set ${lower} ${right}, too`
  return { path: upper, message: `${largeValue} ${rule} ${lower}, which is ${smallValue} ${also}` }
}
