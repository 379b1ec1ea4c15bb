import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createStoreMetrics } from '../../src/adapters/prom-client/store-metrics.ts'
import { settingsTable } from '../../src/adapters/resilience/settings.ts'
import { variableOf } from '../../src/app/store-settings.ts'
import { repository } from '../servers/child.ts'

const page = await readFile(join(repository, 'docs/operations.md'), 'utf8')

/** Each setting's own comment. It is not in the code, so that a Worker does not carry it. */
async function meanings(): Promise<Map<string, string>> {
  const source = await readFile(join(repository, 'src/adapters/resilience/settings.ts'), 'utf8')
  return new Map(
    [...source.matchAll(/^ {2}\/\*\* (.+)\. \*\/\n {2}(\w+): setting\(/gm)].map(([, about = '', name = '']) => [
      name,
      about,
    ]),
  )
}

it('docs/operations.md and .env.example have every setting of the guard, with its default and its meaning', async () => {
  const about = await meanings()
  const settings = Object.entries(settingsTable).map(([name, { fallback }]) => [
    variableOf(name),
    `${fallback}`,
    about.get(name),
  ])
  const rows = [...page.matchAll(/^\| `(STORE_[A-Z_]+)` \| (\S+) \| (.+) \|$/gm)].map(([, ...row]) => row)
  expect(rows).toEqual(settings)
  const example = await readFile(join(repository, '.env.example'), 'utf8')
  const lines = [...example.matchAll(/^# (.+)\.\n#(STORE_[A-Z_]+_[A-Z_]+|STORE_BUDGET)=(.*)$/gm)]
  expect(lines.map(([, meaning, name, value]) => [name, value, meaning])).toEqual(settings)
})

it('docs/operations.md explains every metric, and no other', async () => {
  const text = await createStoreMetrics().text({})
  const metrics = [...text.matchAll(/^# TYPE (lora_\w+)/gm)].map(([, name]) => name)
  const named = new Set([...page.matchAll(/lora_(?:store|export)_\w+/g)].map(([name]) => name))
  expect([...named].sort()).toEqual(metrics.sort())
})

it('docs/operations.md explains every event of the log, and no other', async () => {
  const events = new Set<string>()
  for await (const path of glob('src/**/*.ts', { cwd: repository })) {
    const source = (await readFile(join(repository, path), 'utf8')).replace(/^\s*(\/\*|\*|\/\/).*$/gm, '')
    const named = /(?:log\.(?:debug|info|warn|error)\(|\bevent: |\battempt\()\s*'([a-z-]+)'/g
    for (const [, name = ''] of source.matchAll(named)) {
      // What the guard tells becomes `store-…` in the log.
      const isTold = path.includes('resilience') && !name.startsWith('store-')
      if (!path.startsWith('src/ports/') || path.endsWith('log.ts')) events.add(isTold ? `store-${name}` : name)
    }
  }
  const table = page.slice(page.indexOf('| event | means |'), page.indexOf('## When the store'))
  const explained = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name)
  expect(explained.sort()).toEqual([...events].sort())
})
