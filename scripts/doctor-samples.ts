// Writes into docs/doctor.md what `npm run doctor` prints for the folder store, s3rver and each profile of the fake S3.
// What differs from run to run (times, ports, names of temporary folders) is made the same. `node scripts/doctor-samples.ts`
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeS3 } from '../test/faults/fake-s3/fake-s3.ts'
import { profiles } from '../test/faults/fake-s3/profiles.ts'
import { startS3rver } from '../test/servers/s3rver.ts'

const page = join(import.meta.dirname, '../docs/doctor.md')
const doctor = join(import.meta.dirname, '../src/app/doctor.ts')

interface Sample {
  readonly title: string
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

async function folder(): Promise<Sample> {
  const directory = await mkdtemp(join(tmpdir(), 'doctor-'))
  const stop = () => rm(directory, { recursive: true, force: true })
  return { title: 'The folder store', env: { DATA_DIR: directory }, stop }
}

async function s3rver(): Promise<Sample> {
  const { connection, bucket, stop } = await startS3rver()
  const env = {
    S3_BUCKET: bucket,
    S3_ENDPOINT_URL: connection.endpoint ?? '',
    AWS_ACCESS_KEY_ID: connection.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: connection.credentials.secretAccessKey,
  }
  return { title: 's3rver', env, stop }
}

async function fake(profile: keyof typeof profiles): Promise<Sample> {
  const { bucket, origin, region, credentials, stop } = await startFakeS3({ profile })
  const env = {
    S3_PROFILE: profile,
    S3_BUCKET: bucket,
    S3_ENDPOINT_URL: origin,
    S3_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  return { title: `The fake S3, profile ${profile}`, env, stop }
}

/** The text that the doctor prints, whatever its exit code, and that code. */
function run(env: Sample['env']): Promise<{ text: string; code: number }> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [doctor], { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code)
      if (code > 1) reject(new Error(stderr))
      else resolve({ text: stdout.trimEnd(), code })
    })
  })
}

const steady = (text: string): string =>
  text
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:9000')
    .replaceAll(join(tmpdir(), 'doctor-'), '/data/')
    .replaceAll(/\/data\/\w+\//g, '/data/')
    .replaceAll(/(?:< )?\d+ ms/g, '3 ms')
    .replaceAll(/\d+ reads/g, '20 reads')
    .replaceAll(/\d+\.\d GiB of \d+\.\d GiB/g, '76.5 GiB of 100.0 GiB')

const blocks: string[] = []
for (const open of [
  folder,
  s3rver,
  ...Object.keys(profiles).map((name) => () => fake(name as keyof typeof profiles)),
]) {
  const { title, env, stop } = await open()
  try {
    const { text, code } = await run(env)
    blocks.push(`### ${title}\n\nExit code ${code}.\n\n\`\`\`text\n${steady(text)}\n\`\`\`\n`)
    console.log(`${title}: exit code ${code}`)
  } finally {
    await stop()
  }
}

const [before = ''] = (await readFile(page, 'utf8')).split('<!-- samples -->')
await writeFile(page, `${before}<!-- samples -->\n\n${blocks.join('\n')}`)
