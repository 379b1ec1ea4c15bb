import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createStoreMetrics } from '../../src/adapters/prom-client/store-metrics.ts'
import { settingsTable } from '../../src/adapters/resilience/settings.ts'
import { variableOf } from '../../src/app/store-settings.ts'
import { repository } from '../servers/child.ts'

const page = await readFile(join(repository, 'docs/operations.md'), 'utf8')

it('docs/operations.md has every setting of the guard, with its default and its meaning', () => {
  const rows = [...page.matchAll(/^\| `(STORE_[A-Z_]+)` \| (\S+) \| (.+) \|$/gm)].map(([, ...row]) => row)
  const settings = Object.entries(settingsTable).map(([name, { fallback, about }]) => [
    variableOf(name),
    `${fallback}`,
    about,
  ])
  expect(rows).toEqual(settings)
})

it('docs/operations.md explains every metric of the store, and no other', async () => {
  const text = await createStoreMetrics().text({})
  const metrics = [...text.matchAll(/^# TYPE (lora_\w+)/gm)].map(([, name]) => name)
  const named = new Set([...page.matchAll(/lora_store_\w+/g)].map(([name]) => name))
  expect([...named].sort()).toEqual(metrics.sort())
})
