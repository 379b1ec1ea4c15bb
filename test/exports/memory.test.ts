import { expect, it } from 'vitest'
import { installed } from '../domain/export/programs.ts'
import { type MemoryOptions, measureMemory } from './scenarios/memory.ts'

const MiB = 2 ** 20

const works: readonly [what: string, of: MemoryOptions['of'], growthMaxMiB: number][] = [
  ['512 MiB to a fast and to a slow reader', { largeBytes: 512 * MiB, slowSeconds: 2 }, 96],
  ['5,000 small files', { files: 5_000 }, 48],
]

// Tried again, because when garbage is collected is for V8 to say: once in a while it comes to more.
it.for(works)(
  'the service grows by little while it makes an export and sends %s',
  {
    retry: 2,
  },
  async ([, of, growthMaxMiB], ctx) => {
    installed(ctx, 'curl')
    if (process.platform !== 'linux') ctx.skip('reads the resident size from /proc')
    const measured = await measureMemory({ of })
    for (const { work, growthMiB, beforeMiB } of measured) {
      process.stdout.write(`memory, ${work}: ${growthMiB.toFixed(0)} MiB above ${beforeMiB.toFixed(0)} MiB\n`)
    }
    for (const { work, growthMiB } of measured) expect(growthMiB, work).toBeLessThan(growthMaxMiB)
  },
)
