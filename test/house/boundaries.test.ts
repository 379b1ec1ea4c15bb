import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nothing, violations } from './violations.ts'

const repository = join(import.meta.dirname, '../..')
const options = await extractDepcruiseOptions(join(repository, '.dependency-cruiser.mjs'))

/** The rules that the `src` of a folder breaks, each once. */
async function brokenRules(folder: string): Promise<string[]> {
  const { output } = await cruise(['src'], { ...options, baseDir: folder })
  const { violations } = (output as ICruiseResult).summary
  return [...new Set(violations.map(({ rule }) => rule.name))]
}

/** A tree of these modules and of an entry that imports `imported`, else all of them. */
async function plant(modules: Readonly<Record<string, string>>, imported = Object.keys(modules)): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lora-storage-boundaries-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const entry = imported.map((path) => `import '../../${path}'\n`).join('')
  for (const [path, text] of Object.entries({ 'src/app/node.ts': entry, ...modules })) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  // The real packages: their entries and types are what the rules have to recognise.
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'))
  await cp(join(repository, 'package.json'), join(folder, 'package.json'))
  return folder
}

describe('a violation breaks its rule and no other:', () => {
  for (const { rule, what, modules, imported } of violations) {
    it(`${rule}: ${what}`, async () => {
      expect(await brokenRules(await plant(modules, imported && [...imported]))).toEqual([rule])
    })
  }
})

it('every rule has a violation here', () => {
  const names = options.ruleSet?.forbidden?.map(({ name }) => name)
  expect([...new Set(violations.map(({ rule }) => rule))].sort()).toEqual(names?.sort())
})

it('what is allowed breaks none', async () => {
  const folder = await plant({
    'src/app/doctor.ts': "import 'node:fs'\nimport '../domain/x.ts'\n",
    'src/app/worker.ts':
      "import type { R2Bucket } from '@cloudflare/workers-types'\nimport 'hono'\nexport type B = R2Bucket\n",
    'src/app/composition.ts': "import 'reflect-metadata'\nimport 'tsyringe'\nimport 'hono'\n",
    'src/app/http/x.ts': "import * as z from 'zod'\nimport { cors } from 'hono/cors'\nexport const x = { z, cors }\n",
    'src/app/version.ts': "import m from '../../package.json' with { type: 'json' }\nexport const { version } = m\n",
    'src/domain/x.ts': "import '../ports/x.ts'\nimport './export/y.ts'\n",
    'src/domain/export/y.ts': nothing,
    'src/ports/x.ts': "import './y.ts'\n",
    'src/ports/y.ts': nothing,
    'src/adapters/folder/x.ts': "import 'node:fs'\nimport './z/y.ts'\nimport '../../ports/x.ts'\n",
    'src/adapters/folder/z/y.ts': nothing,
    'src/adapters/folder/types.d.ts': "declare module 'x'\n",
    'src/adapters/resilience/x.ts': "import 'cockatiel'\n",
    'src/adapters/s3/x.ts': "import '@aws-sdk/client-s3'\nimport '@smithy/fetch-http-handler'\n",
  })
  expect(await brokenRules(folder)).toEqual([])
})

it('our own source breaks none', async () => {
  const { output, exitCode } = await cruise(['src'], { ...options, baseDir: repository, outputType: 'err-long' })
  expect(exitCode, String(output)).toBe(0)
})
