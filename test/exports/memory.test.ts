import { expect, it } from 'vitest'
import { installed } from '../domain/export/programs.ts'
import { measureMemory } from './scenarios/memory.ts'

const MiB = 2 ** 20

// Tried again, because when garbage is collected is for V8 to say: once in a while it comes to more.
it('the service grows by less than 96 MiB while it sends 512 MiB to a fast and to a slow reader', {
  retry: 2,
}, async (ctx) => {
  installed(ctx, 'curl')
  if (process.platform !== 'linux') ctx.skip('reads the resident size from /proc')
  const measured = await measureMemory({ of: { largeBytes: 512 * MiB, slowSeconds: 2 } })
  for (const { work, growthMiB, beforeMiB } of measured) {
    process.stdout.write(`memory, ${work}: ${growthMiB.toFixed(0)} MiB above ${beforeMiB.toFixed(0)} MiB\n`)
  }
  for (const { work, growthMiB } of measured) expect(growthMiB, work).toBeLessThan(96)
})
