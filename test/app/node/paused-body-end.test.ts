import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isPausedBodyEnd } from '../../../src/app/node/paused-body-end.ts'

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'reads-late.ts'), ...args])

describe('a connection that ends while nobody reads its body', () => {
  it('does not end the process, and the body is there or has failed', async () => {
    const { stdout } = await run('--survive')
    expect(['65536 bytes', 'store-unavailable']).toContain(JSON.parse(stdout).read)
  })

  it('is known by what Node makes of it, where Node makes something of it', async () => {
    const failed = await run().then(
      () => undefined,
      ({ stderr }: { stderr: string }) => stderr,
    )
    // A Node that has mended it reads on.
    if (failed !== undefined) expect(failed).toMatch(/assert\(!this\.paused\).*Parser\.finish \(node:internal\//s)
  })
})

it('no other error is taken for it', () => {
  expect(isPausedBodyEnd(new Error('assert(!this.paused)'))).toBe(false)
  expect(isPausedBodyEnd(Object.assign(new Error('assert(x)'), { code: 'ERR_ASSERTION' }))).toBe(false)
  expect(isPausedBodyEnd('assert(!this.paused)')).toBe(false)
})
