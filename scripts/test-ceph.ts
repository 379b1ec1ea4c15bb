// Starts a Ceph Object Gateway, runs test/s3-server on it and ends it. Where Ceph cannot be had, one line says why.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Ceph, startCeph } from '../test/servers/ceph/start-ceph.ts'

const root = join(import.meta.dirname, '..')
const report = join(root, '.vitest-ceph-report.json')
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort(new Error(signal)))

async function runTests({ endpointUrl, region, accessKeyId, secretAccessKey }: Ceph): Promise<number> {
  const vitest = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--project', 's3-server'],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ],
    {
      cwd: root,
      env: {
        ...process.env,
        S3_TEST_SERVER: 'ceph',
        S3_TEST_ENDPOINT_URL: endpointUrl,
        S3_TEST_REGION: region,
        S3_TEST_BUCKET: 'test-bucket',
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
      stdio: 'inherit',
    },
  )
  interrupted.signal.addEventListener('abort', () => vitest.kill('SIGTERM'))
  const [code] = await once(vitest, 'exit')
  interrupted.signal.throwIfAborted()
  return code ?? 1
}

async function testOnCeph(): Promise<number> {
  const ceph = await startCeph(interrupted.signal)
  if ('unavailable' in ceph) {
    console.log(`test:ceph skipped: ${ceph.unavailable}`)
    return 0
  }
  try {
    console.log(`Ceph ${ceph.version} on ${ceph.endpointUrl}`)
    return await runTests(ceph)
  } finally {
    await ceph.stop()
  }
}

process.exitCode = await testOnCeph().catch((error: Error) => {
  console.log(`test:ceph failed: ${error.message}`)
  return 1
})
