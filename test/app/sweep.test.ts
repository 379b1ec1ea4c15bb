import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { startFakeS3 } from '../faults/fake-s3/fake-s3.ts'
import { repository } from '../servers/child.ts'
import { type StartedProcess, startProcess } from './started-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const sweep = (env: Readonly<Record<string, string>>): StartedProcess =>
  startProcess({ command: [process.execPath, 'src/app/sweep.ts'], cwd: repository, env })

async function write(path: string, ageHours: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, 'x')
  const at = Date.now() / 1000 - ageHours * 3600
  await utimes(path, at, at)
}

it('npm run sweep removes what has expired from the folder of the service, and says so', async () => {
  const folder = await temporaryFolder()
  const root = join(folder, 'lora-dashboard')
  await write(join(root, 'exports/old.jsonl'), 25)
  await write(join(root, 'exports/new.jsonl'), 1)
  await write(join(root, '.probe/1/2/old'), 3)
  await write(join(root, 'dataset/matt/a.txt'), 999)
  const swept = sweep({ DATA_DIR: folder })
  expect(await swept.ended).toBe(0)
  expect(swept.stdout()).toBe(
    'exports/: 1 removed\nlearned/: 0 removed\nuploads/waiting/: 0 removed\nopen-uploads/: 0 removed\n.probe/: 1 removed\n',
  )
  expect(swept.stderr()).toContain('"event":"swept"')
  expect(await readdir(join(root, 'exports'))).toEqual(['new.jsonl'])
  expect(await readdir(join(root, 'dataset/matt'))).toEqual(['a.txt'])
})

it('ends with 78 for an environment that is wrong', async () => {
  const swept = sweep({ STORE: 's3' })
  expect(await swept.ended).toBe(78)
  expect(swept.stderr()).toContain('S3_BUCKET')
})

it('ends with 1 when the store cannot be swept', async () => {
  const fake = await startFakeS3({ profile: 'aws' })
  try {
    fake.inject('any', 'every', { when: 'before-commit', answer: { status: 403 } })
    const swept = sweep({
      S3_BUCKET: fake.bucket,
      S3_ENDPOINT_URL: fake.origin,
      S3_REGION: fake.region,
      AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
    })
    expect(await swept.ended).toBe(1)
    expect(swept.stdout()).toContain('exports/: not swept; the log says why')
    expect(swept.stderr()).toContain('"event":"not-swept"')
  } finally {
    await fake.stop()
  }
})
