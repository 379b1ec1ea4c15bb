import { createIds } from '../../src/adapters/web-crypto/ids.ts'
import { describeMainJob } from '../main-job/describe-main-job.ts'
import { startNode } from '../servers/start-node.ts'
import { server } from './server.ts'

describeMainJob({
  name: server.name,
  async start() {
    await server.makeBucket()
    return startNode({ ...server.settings, S3_PREFIX: `main-job-${createIds().next()}` })
  },
})
