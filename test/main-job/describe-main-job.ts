import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runMainJob } from '../../scripts/main-job.ts'
import { type Child, repository } from '../servers/child.ts'

export interface MainJobTarget {
  /** What the service stands on. */
  readonly name: string
  /** The service. */
  start(): Promise<Child>
  /** Ends what `start` started beside it. */
  stop?(): Promise<void>
}

const samples = join(repository, 'test/data/training-set')

export function describeMainJob({ name, start, stop }: MainJobTarget): void {
  describe(`the main job on ${name}`, () => {
    let service: Child

    beforeAll(async () => {
      service = await start()
    })

    afterAll(async () => {
      await service?.stop()
      await stop?.()
    })

    // Twice, because second requests find what first requests hide.
    for (const round of ['once', 'and again']) {
      it(`is done ${round}`, async () => {
        const { files } = await runMainJob({ baseUrl: service.caught, samples })
        expect(files).toBe(28)
      })
    }
  })
}
