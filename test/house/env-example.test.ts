import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { defaultSettings } from '../../src/adapters/resilience/settings.ts'
import { readConfig, variableNames } from '../../src/app/config.ts'
import { repository } from '../servers/child.ts'

const text = await readFile(join(repository, '.env.example'), 'utf8')
const settings = [...text.matchAll(/^# .+\n#([A-Z0-9_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value])

it('.env.example explains every variable that is read, and no other', () => {
  expect(settings.map(([name]) => name).sort()).toEqual([...variableNames].sort())
  // One that is set, or has no line that explains it, is not among the settings.
  expect(text.match(/^#?[A-Z0-9_]+=/gm)).toHaveLength(settings.length)
})

it('.env.example has the defaults', () => {
  const { storeSettings, ...config } = readConfig(Object.fromEntries(settings))
  expect({ ...config, storeSettings: {} }).toEqual(readConfig({}))
  expect(storeSettings).toEqual(defaultSettings)
})
