const alphabet = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const padding = '='.charCodeAt(0)

/** How long `sizeBytes` are in standard base64. */
export const base64Length = (sizeBytes: number): number => 4 * Math.ceil(sizeBytes / 3)

/** RFC 4648 §4 with padding, as the bytes of its text, while the source passes: nothing but two bytes is kept of it. */
export async function* base64(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let kept = new Uint8Array(0)
  for await (const chunk of source) {
    const bytes = kept.length === 0 ? chunk : joined(kept, chunk)
    const whole = bytes.length - (bytes.length % 3)
    if (whole > 0) yield encode(bytes.subarray(0, whole))
    kept = bytes.slice(whole)
  }
  if (kept.length > 0) yield encode(kept)
}

function joined(kept: Uint8Array, chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(kept.length + chunk.length)
  bytes.set(kept)
  bytes.set(chunk, kept.length)
  return bytes
}

function encode(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(base64Length(bytes.length))
  const at = (index: number) => bytes[index] ?? 0
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const group = (at(from) << 16) | (at(from + 1) << 8) | at(from + 2)
    text[to] = alphabet[group >> 18] ?? 0
    text[to + 1] = alphabet[(group >> 12) & 63] ?? 0
    text[to + 2] = alphabet[(group >> 6) & 63] ?? 0
    text[to + 3] = alphabet[group & 63] ?? 0
  }
  const missing = (3 - (bytes.length % 3)) % 3
  if (missing > 0) text.fill(padding, text.length - missing)
  return text
}
