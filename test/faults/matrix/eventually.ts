import { setTimeout as pause } from 'node:timers/promises'

const everyMs = 10

/** Waits until `look` gives what `isRight` wants, and returns it; after `withinMs` whatever it gives. */
export async function eventually<Value>(
  look: () => Value,
  isRight: (value: Value) => boolean,
  withinMs: number,
): Promise<Value> {
  const endsAtMs = performance.now() + withinMs
  for (;;) {
    const value = look()
    if (isRight(value) || performance.now() > endsAtMs) return value
    await pause(everyMs)
  }
}
