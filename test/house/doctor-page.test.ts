import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { profiles } from '../faults/fake-s3/profiles.ts'
import { repository } from '../servers/child.ts'

const page = await readFile(join(repository, 'docs/doctor.md'), 'utf8')
const samples = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((block) => [block.split('\n')[0], block]),
)

it('docs/doctor.md has what the doctor prints for the folder store, s3rver and every fake', () => {
  const fakes = Object.keys(profiles).map((name) => `The fake S3, profile ${name}`)
  expect([...samples.keys()]).toEqual(['The folder store', 's3rver', ...fakes])
  for (const [title, sample] of samples) expect(sample, title).toMatch(/^process state: .+ · links: .+ · uploads: /m)
  expect(samples.get('s3rver')).toContain('ignores conditional writes')
})

it('docs/doctor.md explains every check that it shows', () => {
  const explained = page.slice(page.indexOf('## What it tries'), page.indexOf('## What the service itself'))
  const shown = [...page.matchAll(/^(?:works|missing|broken) +([A-Za-z ]+?) {2,}/gm)].map(([, check = '']) => check)
  expect(shown.length).toBeGreaterThan(100)
  for (const check of new Set(shown)) expect(explained).toContain(check)
})
