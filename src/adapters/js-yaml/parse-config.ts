import { loadAll, type Schema, YAML11_SCHEMA, YAMLException } from 'js-yaml'

/**
 * Throws an `Error` with a one-line message when `text` is not YAML 1.1 (one or more documents, at most 100 levels deep) or
 * JSON. Pure: knows no tags but those of the standard, reads nothing; aliases do not multiply and merges are limited.
 */
export function parseConfig(text: string, format: 'yaml' | 'json'): void {
  if (format === 'json') {
    JSON.parse(text)
    return
  }
  // Trainers read their configs with PyYAML, which is YAML 1.1: merge keys, sets and binaries are fine there.
  const documents = parseYaml(text, YAML11_SCHEMA)
  if (documents.length === 0) throw new Error('there is no document in it')
}

/** The documents of `text`. Throws an `Error` whose one line says what is wrong, and where. */
export function parseYaml(text: string, schema: Schema): unknown[] {
  try {
    return loadAll(text, { schema })
  } catch (error) {
    // Its own message carries a drawing of the place, over several lines.
    if (!(error instanceof YAMLException) || error.mark === undefined) throw error
    const { line, column } = error.mark
    throw new Error(`${error.reason} (line ${line + 1}, column ${column + 1})`, { cause: error })
  }
}
