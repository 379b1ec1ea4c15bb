import { expect, it } from 'vitest'
import { createS3ObjectStore } from '../../src/adapters/s3/object-store.ts'
import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import type { StoreFinding } from '../../src/ports/store-finding.ts'
import { everyKey } from '../app/memory-service.ts'
import { startProcess } from '../app/started-process.ts'
import { repository } from '../servers/child.ts'
import { server } from './server.ts'

it(`the doctor finds nothing broken in ${server.name}, and leaves nothing there`, async () => {
  await server.makeBucket()
  const prefix = `doctor-${createIds().next()}`
  const child = startProcess({
    command: [process.execPath, 'src/app/doctor.ts', '--json'],
    cwd: repository,
    env: { ...server.settings, S3_PREFIX: prefix },
  })
  const code = await child.ended
  const { stores } = JSON.parse(child.stdout()) as { stores: { findings: StoreFinding[] }[] }
  const broken = stores.flatMap(({ findings }) => findings.filter(({ verdict }) => verdict === 'broken'))
  expect({ code, broken }).toEqual({ code: 0, broken: [] })
  const store = createS3ObjectStore({ client: server.client, bucket: server.bucket, prefix, ids: createIds() })
  expect(await everyKey(store)).toEqual([])
})
