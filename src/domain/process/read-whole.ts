import type { StoredObject } from '../../ports/object-store.ts'

/** The bytes of a small object. */
export async function readWhole({ body, lengthBytes }: StoredObject): Promise<Uint8Array> {
  const whole = new Uint8Array(lengthBytes)
  let offset = 0
  for await (const piece of body) {
    whole.set(piece, offset)
    offset += piece.byteLength
  }
  return whole
}
