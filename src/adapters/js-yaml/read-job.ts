import {
  boolYaml11Tag,
  CORE_SCHEMA,
  floatCoreTag,
  floatYaml11Tag,
  intYaml11Tag,
  mergeTag,
  NOT_RESOLVED,
  nullYaml11Tag,
} from 'js-yaml'
import { parseYaml } from './parse-config.ts'

/**
 * Scalars as the trainer reads them: PyYAML's, which knows no `y` and `n`, and `1e-4` as a number, which YAML 1.1 takes for
 * text and trainers mend. Dates stay text, because JSON, in which a job is kept, has none.
 */
const jobSchema = CORE_SCHEMA.withTags(
  nullYaml11Tag,
  {
    ...boolYaml11Tag,
    resolve: (source, isExplicit, tagName) =>
      source.length === 1 ? NOT_RESOLVED : boolYaml11Tag.resolve(source, isExplicit, tagName),
  },
  intYaml11Tag,
  {
    ...floatYaml11Tag,
    resolve: (source, isExplicit, tagName) => {
      const found = floatYaml11Tag.resolve(source, isExplicit, tagName)
      return found === NOT_RESOLVED ? floatCoreTag.resolve(source, isExplicit, tagName) : found
    },
  },
  mergeTag,
)

/**
 * The config of a job as values; aliases are the same value at several places, and may lead in circles. Throws an `Error`
 * with a one-line message, which says where, when `text` is not one document of YAML.
 */
export function readJob(text: string): unknown {
  const documents = parseYaml(text, jobSchema)
  if (documents.length !== 1) throw new Error(`it has ${documents.length} documents, and a job is one`)
  return documents[0]
}
