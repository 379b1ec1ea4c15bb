import type { Clock } from '../../ports/clock.ts'
import { CodedError, StoreUnavailable } from '../../ports/errors.ts'
import type { CallOptions } from '../../ports/object-store.ts'
import type { StoreExamination, StoreExaminer, StoreFinding } from '../../ports/store-finding.ts'
import { broken, failed, works } from './finding.ts'
import { inTime } from './in-time.ts'

export interface ExaminationLimits {
  /** For one examination. */
  readonly eachMs: number
  /** For all of them together. */
  readonly allMs: number
}

export interface Examined {
  readonly findings: readonly StoreFinding[]
  /** Whether all were carried out: not when the store cannot be used at all, or time was over. */
  readonly complete: boolean
}

/**
 * One examination after the other, so that each has the store to itself. One whose store was unavailable is made once more,
 * as the service too would ask again, and that is told at the end. One that fails is a finding and does not stop the
 * others, unless it is decisive, or `stillThere` throws after it: then the rest would only say the same again. Throws the
 * signal's reason when it is aborted, and nothing else.
 */
export async function runExaminations(
  examinations: readonly StoreExamination[],
  options: CallOptions & {
    limits: ExaminationLimits
    clock: Pick<Clock, 'nowMs'>
    /** What to change, by the code of the error, where it is not what a server needs. */
    fixes: StoreExaminer['fixes']
    /** Asks the store for anything. */
    stillThere: (options: CallOptions) => Promise<unknown>
  },
): Promise<Examined> {
  const { signal, limits, clock, fixes, stillThere } = options
  const findings: StoreFinding[] = []
  const unsteady: string[] = []
  const endsAtMs = clock.nowMs() + limits.allMs
  const leftMs = () => endsAtMs - clock.nowMs()
  const patience = () => AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, Math.min(leftMs(), limits.eachMs)))])
  const isThere = () => inTime({ signal: patience() }, stillThere).then(() => true, isAnswer)

  for (const examination of examinations) {
    if (leftMs() <= 0) {
      const detail = `not all was examined within ${limits.allMs / 1000} s`
      return { findings: [...findings, broken('time', detail, 'find out what makes the store slow')], complete: false }
    }
    let attempt = await attempted(examination, { signal: patience(), fixes })
    signal.throwIfAborted()
    if (attempt.error instanceof StoreUnavailable && attempt.error.again !== 'never' && leftMs() > 0) {
      const again = await attempted(examination, { signal: patience(), fixes })
      signal.throwIfAborted()
      if (again.error === undefined) unsteady.push(`${examination.check} (${attempt.error.message})`)
      attempt = again
    }
    findings.push(...attempt.findings)
    const { decisive = false } = examination
    if (decisive && attempt.findings.some(({ verdict }) => verdict === 'broken')) return { findings, complete: false }
    if (attempt.error !== undefined && !(await isThere())) {
      signal.throwIfAborted()
      findings.push(broken('reach', 'the store has stopped answering', 'see whether it is up, then run this again'))
      return { findings, complete: false }
    }
  }
  return { findings: [...findings, ...steadiness(unsteady)], complete: true }
}

interface Attempt {
  readonly findings: readonly StoreFinding[]
  readonly error: unknown
}

async function attempted(
  { check, examine }: StoreExamination,
  { signal, fixes }: CallOptions & { fixes: StoreExaminer['fixes'] },
): Promise<Attempt> {
  try {
    return { findings: await inTime({ signal }, examine), error: undefined }
  } catch (error) {
    return { findings: [failed(check, error, fixes)], error }
  }
}

/** Whatever else may be wrong with it is for the next examination to say. */
const isAnswer = (error: unknown) => error instanceof CodedError && !(error instanceof StoreUnavailable)

function steadiness(unsteady: readonly string[]): StoreFinding[] {
  if (unsteady.length === 0) return []
  const detail = `examined twice, because the store failed the first time: ${unsteady.join(', ')}`
  return [works('steadiness', detail, 'look at the store if this happens every time; the service asks again too')]
}
