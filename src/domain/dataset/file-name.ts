import type { Brand } from '../../ports/brand.ts'
import { segmentFault } from '../../ports/object-key.ts'
import { FileRejected } from './rejection.ts'

/**
 * The name of a training file, the last segment of `dataset/{dataset}/{file}`: in Unicode form C, fit to be a part of a
 * key, not hidden, and a name rather than a path.
 */
export type FileName = Brand<string, 'FileName'>

/**
 * The one door for names of uploaded files. Normalises to form C and cleans nothing away: a path, a hidden file or a name
 * that breaks a rule of keys throws `FileRejected` with `invalid-name`.
 */
export function fileName(given: string): FileName {
  const name = given.normalize('NFC')
  const fault = nameFault(name)
  if (fault !== undefined) throw new FileRejected('invalid-name', `the file name ${fault}`)
  return name as FileName
}

function nameFault(name: string): string | undefined {
  if (/[/\\]/.test(name)) return 'is a path; send the bare name, without / and \\'
  // What decoders put in place of bytes that are not UTF-8: two different names would become one.
  if (name.includes('\ufffd')) return 'is not valid UTF-8'
  const fault = segmentFault(name)
  if (fault !== undefined) return fault
  return name.startsWith('.') ? 'begins with a dot' : undefined
}
