import type { ConfigFormat } from './file-kind.ts'
import { FileRejected, type RejectionCode } from './rejection.ts'

/**
 * Reads `text` as a whole and throws an `Error` whose message says what is wrong when it cannot be parsed. Must end soon
 * for every text within the limit.
 */
export type ParseConfig = (text: string, format: ConfigFormat) => void

export interface TextInspection {
  push(chunk: Uint8Array): void
  end(): undefined
}

const formatNames: Readonly<Record<ConfigFormat, string>> = { yaml: 'YAML', json: 'JSON' }

/** A caption is UTF-8, with or without a byte order mark, and says something. Keeps none of it. */
export function inspectCaption(): TextInspection {
  const decode = createUtf8Decoder('caption-not-utf8')
  let blank = true
  const look = (text: string) => {
    // White_Space is wider than \s by U+0085; byte order marks inside of a text count as nothing too.
    blank &&= !/[^\p{White_Space}\ufeff]/u.test(text)
  }
  return {
    push: (chunk) => look(decode(chunk)),
    end() {
      look(decode())
      if (blank) throw new FileRejected('caption-blank', 'the caption has no text, only whitespace')
    },
  }
}

/** A config must parse. Holds the whole text until its end, so its size must be limited before. */
export function inspectConfig(format: ConfigFormat, parseConfig: ParseConfig): TextInspection {
  const decode = createUtf8Decoder('config-invalid')
  const texts: string[] = []
  return {
    push: (chunk) => {
      texts.push(decode(chunk))
    },
    end() {
      texts.push(decode())
      try {
        parseConfig(texts.join(''), format)
      } catch (cause) {
        const fault = cause instanceof Error ? cause.message : String(cause)
        throw new FileRejected('config-invalid', `not valid ${formatNames[format]}: ${fault}`, { cause })
      }
    },
  }
}

/** Decodes chunks that may split characters; without a chunk, checks that nothing is left open. Drops a byte order mark. */
function createUtf8Decoder(code: RejectionCode): (chunk?: Uint8Array) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return (chunk) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch (cause) {
      throw new FileRejected(code, 'the text is not valid UTF-8; save it as UTF-8 and send it again', { cause })
    }
  }
}
