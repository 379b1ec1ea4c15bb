import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { createS3Client, type S3Connection } from '../../src/adapters/s3/client.ts'
import { compileCache } from './compile-cache.ts'

export interface S3rver {
  readonly connection: S3Connection
  /** Speaks to the server the way the service does. */
  readonly client: S3Client
  /** Exists already. */
  readonly bucket: string
  /** With which a service uses it. */
  readonly environment: Readonly<Record<string, string>>
  /** Where it keeps its files: the object `a/b` of the bucket is `{bucket}/a/b._S3rver_object`, and its MD5 lies beside it. */
  readonly directory: string
  /** Ends the process and removes its files. */
  stop(): Promise<void>
}

const startMs = 20_000

/**
 * A process of its own: some requests kill it (a part of a key over about 240 bytes, a missing part in
 * CompleteMultipartUpload), and its continuation tokens need OpenSSL's old ciphers. Files in a temporary folder, a free
 * port on loopback.
 */
export async function startS3rver(): Promise<S3rver> {
  const directory = await mkdtemp(join(tmpdir(), 's3rver-'))
  const script = createRequire(import.meta.url).resolve('s3rver/bin/s3rver.js')
  const flush = fileURLToPath(new URL('s3rver-flush.ts', import.meta.url))
  const options = ['-d', directory, '-a', '127.0.0.1', '-p', '0', '--silent', '--no-vhost-buckets']
  const child = spawn(process.execPath, ['--openssl-legacy-provider', '--import', flush, script, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...compileCache },
  })
  const port = await listeningPort(child)
  const connection: S3Connection = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    // The only account it knows.
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  }
  const client = createS3Client(connection)
  const bucket = 'test-bucket'
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    connection,
    client,
    bucket,
    environment: {
      S3_ENDPOINT_URL: `${connection.endpoint}`,
      S3_BUCKET: bucket,
      AWS_ACCESS_KEY_ID: connection.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: connection.credentials.secretAccessKey,
    },
    directory,
    async stop() {
      client.destroy()
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = () => reject(new Error(`s3rver did not start: ${said}`))
    const tooLate = setTimeout(fail, startMs)
    child.once('exit', fail)
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const port = /listening on \S+:(\d+)/.exec(said)?.[1]
      if (port === undefined) return
      clearTimeout(tooLate)
      resolve(Number(port))
    })
  })
}
