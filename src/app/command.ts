import { InvalidConfig } from './config.ts'

// What the commands beside the service share: how they are interrupted, and how they end.

/** sysexits.h: the configuration is wrong; we are. */
const exitMisconfigured = 78
const exitSoftware = 70
/** As shells say it of SIGINT. */
const exitInterrupted = 130

class Interrupted extends Error {}

/** Runs until `work` has its exit code, and ends the process with it. `name` begins the words about a failure of ours. */
export async function runCommand(
  name: string,
  work: (signal: AbortSignal) => Promise<number>,
  onInterrupt: (signal: NodeJS.Signals) => void = () => {},
): Promise<void> {
  const code = await work(interruption(onInterrupt)).catch((error: unknown) => exitCodeOf(name, error))
  // Once all is written, for a pipe would be cut; and then whatever is still under way, such as a call that is deaf to its signal.
  process.stdout.write('', () => process.exit(code))
}

/** The first signal asks the work to stop; a second one ends at once. */
function interruption(onInterrupt: (signal: NodeJS.Signals) => void): AbortSignal {
  const controller = new AbortController()
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(exitInterrupted)
    onInterrupt(signal)
    controller.abort(new Interrupted())
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

function exitCodeOf(name: string, error: unknown): number {
  if (error instanceof Interrupted) return exitInterrupted
  if (error instanceof InvalidConfig) {
    process.stderr.write(`${error.message}\n`)
    return exitMisconfigured
  }
  process.stderr.write(
    `The ${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return exitSoftware
}
