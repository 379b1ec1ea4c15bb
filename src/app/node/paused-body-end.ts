/**
 * Whether this is what Node's fetch throws, out of anybody's reach, when a connection ends while nobody reads its body
 * (nodejs/undici issue 5360; in Node 20, 22 and 24). It would end the whole service for one slow reader. Nothing is lost:
 * the body fails when it is read on, and is resumed like any that broke off.
 */
export function isPausedBodyEnd(error: unknown): boolean {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== 'ERR_ASSERTION') return false
  return /assert\(!this\.paused\)/.test(error.message) && /Parser\.finish \(node:internal\//.test(`${error.stack}`)
}

/** Goes on after such an end, and after nothing else: any other error that nobody caught ends the process, as ever. */
export function survivePausedBodyEnds(tell: (error: Error) => void): void {
  process.on('uncaughtException', (error: Error) => {
    if (isPausedBodyEnd(error)) return tell(error)
    process.stderr.write(`${error.stack ?? error}\n`)
    process.exit(1)
  })
}
