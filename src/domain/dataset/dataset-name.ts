import type { Brand } from '../../ports/brand.ts'
import { segmentFault } from '../../ports/object-key.ts'
import { InvalidName } from '../errors.ts'

/** The name of a dataset: one segment of a key in Unicode form C, 1 to 150 bytes of UTF-8, not beginning with a dot. */
export type DatasetName = Brand<string, 'DatasetName'>

/** Leaves room in a key of 900 bytes for our own prefixes and any file name. */
export const maxDatasetNameBytes = 150

const encoder = new TextEncoder()

/** The one door for names of datasets. Normalises to form C; everything else that is wrong throws `InvalidName`. */
export function datasetName(given: string): DatasetName {
  const name = given.normalize('NFC')
  const fault = segmentFault(name)
  if (fault !== undefined) throw new InvalidName(`the dataset name ${fault}`)
  if (name.startsWith('.')) throw new InvalidName('the dataset name begins with a dot')
  const bytes = encoder.encode(name).byteLength
  if (bytes > maxDatasetNameBytes) {
    throw new InvalidName(`the dataset name has ${bytes} bytes; at most ${maxDatasetNameBytes} are allowed`)
  }
  return name as DatasetName
}
