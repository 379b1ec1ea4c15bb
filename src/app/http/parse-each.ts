import { parsePublicKey } from '../../domain/object/public-key.ts'
import { CodedError } from '../../ports/errors.ts'
import type { ObjectKey } from '../../ports/object-key.ts'
import { HttpError } from './http-error.ts'

/** Every item through its door; a 400 names all that are not valid, by their place in `path`. */
export function parseEach<Given, Parsed>(
  path: string,
  given: readonly Given[],
  parse: (one: Given) => Parsed,
): Parsed[] {
  const errors: { path: string; message: string }[] = []
  const parsed = given.flatMap((one, index) => {
    try {
      return [parse(one)]
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      errors.push({ path: `${path}.${index}`, message: error.message })
      return []
    }
  })
  if (errors.length > 0) throw new HttpError('invalid-request', `some of ${path} are not valid`, { errors })
  return parsed
}

/** The keys of a JSON body, each once. */
export function parseKeys(given: readonly string[]): ObjectKey[] {
  return [...new Set(parseEach('keys', given, parsePublicKey))]
}
