/** The polynomial of the CRC-32 of ZIP, reflected: the coefficient of x^0 is the highest bit. */
const polynomial = 0xedb8_8320
const one = 0x8000_0000

/** The product of two polynomials modulo that one, over GF(2). */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial
  }
  return product >>> 0
}

/** x^(2^n) at place n. Past 31 they come again, for x^(2^32) = x. */
const powers: number[] = []
for (let power = one >>> 1; powers.length < 32; power = multiply(power, power)) powers.push(power)

/** x^(8 · sizeBytes): what so many bytes of zeros do to a checksum. */
function shiftBy(sizeBytes: number): number {
  let shift = one
  // 8 = 2^3.
  for (let n = 3, left = sizeBytes; left > 0; n++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) shift = multiply(powers[n % 32] ?? 0, shift)
  }
  return shift
}

/**
 * The CRC-32 of bytes that have `first`, followed by `secondBytes` bytes that have `second`. Pure, reads no byte: some
 * microseconds, whatever their number.
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return (multiply(shiftBy(secondBytes), first) ^ second) >>> 0
}
