import type { Ids } from '../../ports/ids.ts'

// Crockford's: without i, l, o and u, so that an id survives being read aloud.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Ids from the platform's own generator. Nothing random happens before the first call: Workers forbid it at load. */
export function createIds(): Ids {
  return {
    next() {
      return base32(crypto.getRandomValues(new Uint8Array(16)))
    },
    fraction() {
      return Math.random()
    },
  }
}

/** Five bits a character, from the front; the last character is filled up with zero bits. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let heldBits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    heldBits += 8
    for (; heldBits >= 5; heldBits -= 5) text += alphabet.charAt((held >>> (heldBits - 5)) & 31)
    held &= 31
  }
  return heldBits === 0 ? text : text + alphabet.charAt((held << (5 - heldBits)) & 31)
}
