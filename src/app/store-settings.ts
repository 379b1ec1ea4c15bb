import type * as z from 'zod'
import {
  defaultSettings,
  type ResilienceSettings,
  type SettingName,
  settingsFaults,
  settingsTable,
} from '../adapters/resilience/settings.ts'
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

/** What cannot work together, in the names of the variables. */
export function storeSettingsFaults(variables: Readonly<Record<string, unknown>>): { path: string; message: string }[] {
  const settings = { ...defaultSettings, ...storeSettings(variables) }
  return settingsFaults(settings).map(({ small, large, smallValue, largeValue }) => ({
    path: variableOf(small),
    message: `${smallValue} must not be above ${variableOf(large)}, which is ${largeValue}`,
  }))
}
