import { type DatasetName, datasetName } from '../../../domain/dataset/dataset-name.ts'
import type { Digests } from '../../../ports/digests.ts'
import { segmentFault } from '../../../ports/object-key.ts'

const maxLength = 100

/**
 * The dataset that a free-form training name stands for: letters, digits, `.`, `_` and `-`, so that the path may stand
 * unquoted in YAML. A name that had to be changed gets eight hex digits of its hash in front, so that two names never share a
 * dataset by accident, and one name always finds its own again.
 */
export function datasetForTraining(
  trainingName: string,
  { digests, nowMs }: { digests: Digests; nowMs: number },
): DatasetName {
  const given = trainingName.trim().normalize('NFC')
  if (given === '') return datasetName(`training_${nowMs}`)
  const plain = given
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, maxLength)
    .replace(/^[-._]+|[-._]+$/g, '')
  if (plain === given && segmentFault(plain) === undefined) return datasetName(plain)
  const hash = digests.sha256(new TextEncoder().encode(given)).slice(0, 8)
  // Before the name, where it also parts a device name (`con.txt`) from being one.
  return datasetName(`${hash}-${plain}`.replace(/-$/, ''))
}
