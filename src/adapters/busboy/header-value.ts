import { MalformedForm } from './errors.ts'

export interface HeaderValue {
  /** What stands before the parameters, in lower case. */
  readonly value: string
  /** By name in lower case; quotes are taken away. */
  readonly parameters: ReadonlyMap<string, string>
}

/**
 * `; name=value`, where value is a quoted string with `\"` for a quote (RFC 9110), or else a quoted string in which a
 * backslash is a backslash (browsers write names that end in one so), or else a bare word.
 */
const parameter =
  /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"(?=[ \t]*(?:;|$))|"([^"]*)"|([^;"]*))[ \t]*(?=;|$)/y

/** Reads a header such as `form-data; name="a"`. Throws `MalformedForm` when it is broken or names a parameter twice. */
export function parseHeaderValue(header: string): HeaderValue {
  const end = header.indexOf(';')
  const parameters = new Map<string, string>()
  if (end !== -1) {
    // Some clients end the list with a semicolon.
    const list = header.slice(end).replace(/;[ \t]*$/, '')
    parameter.lastIndex = 0
    while (parameter.lastIndex < list.length) {
      const [found, name = '', escaped, raw, word = ''] = parameter.exec(list) ?? []
      if (found === undefined) throw new MalformedForm('a header of the form has malformed parameters')
      const key = name.toLowerCase()
      if (parameters.has(key)) throw new MalformedForm(`a header of the form has the parameter ${key} twice`)
      parameters.set(key, escaped?.replaceAll('\\"', '"') ?? raw ?? word.trim())
    }
  }
  return { value: (end === -1 ? header : header.slice(0, end)).trim().toLowerCase(), parameters }
}
