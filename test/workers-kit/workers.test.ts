import { describe, expect, it } from 'vitest'
import { installed } from '../domain/export/programs.ts'
import { startForgetful } from './forgetful.ts'
import { type Kit, type Process, type Script, scripts, startKit } from './kit.ts'

const queue = async (kit: Kit, id: string, dataset = 'łódź 1') => {
  await kit.call('POST', 'processes', { id, type: 'training', dataset })
}
const isTraining = ({ status, progress }: Process) => status === 'running' && progress.step > 0

async function expectWhole(kit: Kit, id: string, { lastStep, steps }: Script): Promise<Process> {
  const found = await kit.process(id)
  expect([found.status, found.error]).toEqual(['completed', null])
  expect(await kit.results(id)).toEqual(new Map([[`step-${lastStep}.safetensors`, kit.dataset]]))
  expect(await kit.steps(id)).toEqual(steps)
  return found
}

describe.concurrent.each(scripts)('$file', { timeout: 60_000 }, (script) => {
  it('sends again what was not answered, also when the service was killed, and nothing is done twice', async (ctx) => {
    for (const program of script.needs) installed(ctx, program)
    const kit = await startKit(ctx)
    await queue(kit, 'run')
    const { url, lost } = await startForgetful(ctx, kit.url)
    const worker = kit.work(script, { url })
    await kit.processIs('run', isTraining)
    await kit.killAndRestart(1000)

    expect(await worker.ended).toBe(0)
    expect(lost).toEqual(['POST claim', 'POST reports', 'POST exports', 'PUT lora'])
    expect(await expectWhole(kit, 'run', script)).toMatchObject({ attempt: 1, version: 2 + script.reports })
  })

  it('does the whole job from the queue, by zip or by file, and leaves to another worker what that one has', async (ctx) => {
    for (const program of script.needs) installed(ctx, program)
    const kit = await startKit(ctx)
    await queue(kit, 'not-there', 'no-such-dataset')
    await queue(kit, 'first')
    await queue(kit, 'second')

    const byZip = kit.work(script)
    const { worker } = await kit.processIs('first', isTraining)
    expect(await kit.process('not-there')).toMatchObject({ status: 'failed', worker })
    const byFile = kit.work(script, { pull: 'files' })

    expect(await Promise.all([byZip.ended, byFile.ended])).toEqual([0, 0])
    expect((await expectWhole(kit, 'first', script)).worker).toBe(worker)
    expect((await expectWhole(kit, 'second', script)).worker).not.toBe(worker)
    expect(byFile.stderr()).toBe('')
  })

  it('stores a last checkpoint when it is asked to end, and says cancelled', async (ctx) => {
    for (const program of script.needs) installed(ctx, program)
    const kit = await startKit(ctx)
    await queue(kit, 'unwanted')
    const worker = kit.work(script)
    await kit.processIs('unwanted', isTraining)
    await kit.call('POST', 'processes/unwanted/cancel')

    const { progress } = await kit.processIs('unwanted', ({ status }) => status === 'cancelled')
    expect(progress.step).toBeLessThan(script.lastStep)
    expect(await kit.results('unwanted')).toEqual(new Map([[`step-${progress.step}.safetensors`, kit.dataset]]))
    expect(await worker.ended).toBe(0)
  })

  it('stores nothing of an attempt that is not its own any more', async (ctx) => {
    for (const program of script.needs) installed(ctx, program)
    const kit = await startKit(ctx)
    await queue(kit, 'run')
    const fenced = kit.work(script)
    const { worker } = await kit.processIs('run', isTraining)
    // Otherwise it may be told soon enough to claim what is queued once more.
    fenced.signal('SIGSTOP')
    await kit.call('POST', 'processes/run/reports', { worker, attempt: 1, seq: 1_000_000, status: 'failed' })
    await kit.call('POST', 'processes/run/retry')
    await kit.call('POST', 'processes/run/claim', { worker: 'other' })
    fenced.signal('SIGCONT')

    expect(await fenced.ended).toBe(0)
    expect(fenced.stderr()).toMatch(/409/)
    expect(await kit.results('run')).toEqual(new Map())
    expect(await kit.process('run')).toMatchObject({ status: 'starting', worker: 'other', attempt: 2 })
  })
})
