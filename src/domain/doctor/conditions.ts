import type { CallOptions, Condition, StoreCapabilities } from '../../ports/object-store.ts'
import type { StoreFinding } from '../../ports/store-finding.ts'
import { type ConditionFault, type ConditionName, conditionFault, type Racing } from './condition-trials.ts'
import { fallbacks } from './fallbacks.ts'
import { broken, missing, works } from './finding.ts'
import type { TrialFolder } from './trial-folder.ts'

const racing: Racing = { writers: 12, rounds: 3 }

export const conditionChecks: Readonly<Record<ConditionName, string>> = {
  conditionalPut: 'conditional put',
  conditionalComplete: 'conditional complete',
  conditionalDelete: 'conditional delete',
}

const decided: Readonly<Record<ConditionName, string>> = {
  conditionalPut: `one winner among ${racing.writers} racing writers, ${racing.rounds} times, by if-absent and by if-match`,
  conditionalComplete: 'by if-absent and by if-match',
  conditionalDelete: 'by if-match',
}

/** The verdict on one condition. `reason`: how the store shows that it lacks it, if it does. */
export function conditionFinding(
  name: ConditionName,
  {
    condition,
    fault,
    reason,
  }: { condition: Condition; fault?: ConditionFault | undefined; reason?: string | undefined },
): StoreFinding {
  const check = conditionChecks[name]
  if (condition !== 'atomic') return missing(check, reason ?? 'the store does not decide', fallbacks[name])
  if (fault === undefined) return works(check, decided[name])
  return broken(
    check,
    `${fault.detail}, though the store was seen to decide`,
    'restart the service, which then looks before it writes, and run one instance; see what stands before the store',
  )
}

/** Each condition that the store was seen to have, tried again and harder. The others are not tried. */
export async function examineCondition(
  name: ConditionName,
  folder: TrialFolder,
  options: CallOptions & { capabilities: StoreCapabilities; reason: string | undefined },
): Promise<StoreFinding[]> {
  const condition = options.capabilities[name]
  const fault = condition === 'atomic' ? await conditionFault(name, folder, { ...options, ...racing }) : undefined
  return [conditionFinding(name, { condition, fault, reason: options.reason })]
}
