import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startService } from '../started-process.ts'
import { temporaryFolder } from '../temporary-folder.ts'

it('an export of a folder with files whose names cannot be keys says how many it lacks, in its answers and in the log', async () => {
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
  const { id, ...told } = (await made.json()) as { id: string }
  expect(told).toMatchObject({ files: 1, leftOut: 2 })
  const again = await fetch(`${await service.url}/v1/exports/${id}`)
  expect(await again.json()).toMatchObject({ files: 1, leftOut: 2 })
  const lines = () => `${service.stdout()}${service.stderr()}`.split('\n')
  await expect.poll(() => lines().find((line) => line.includes('export-left-out'))).toContain('"count":2')
})
