import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startService } from '../started-process.ts'
import { temporaryFolder } from '../temporary-folder.ts'

it('an export of a folder with files whose names cannot be keys says in the log how many it lacks', async () => {
  const folder = await temporaryFolder()
  const dataset = join(folder, 'lora-dashboard/dataset/d')
  await mkdir(dataset, { recursive: true })
  for (const name of ['a.txt', 'e\u0301.txt', 'trailing.']) await writeFile(join(dataset, name), 'x')
  const service = startService({ DATA_DIR: folder })
  const made = await fetch(`${await service.url}/v1/exports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ include: [{ dataset: 'd' }] }),
  })
  expect(await made.json()).toMatchObject({ files: 1 })
  const lines = () => `${service.stdout()}${service.stderr()}`.split('\n')
  await expect.poll(() => lines().find((line) => line.includes('export-left-out'))).toContain('"count":2')
})
