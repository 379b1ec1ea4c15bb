import { spawn } from 'node:child_process'
import { accessSync, constants, createReadStream } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TestContext } from 'vitest'

const packages = {
  unzip: 'unzip',
  python3: 'python3',
  curl: 'curl',
  '7zz': '7zip',
  '7z': '7zip',
  bsdtar: 'libarchive-tools',
  java: 'default-jdk-headless',
  aria2c: 'aria2',
  wget: 'wget',
  chromium: 'chromium',
} as const

export type Program = keyof typeof packages

/** The first of `programs` that is installed. Else the test is skipped, and fails where all programs must be there. */
export function installed(ctx: TestContext, ...programs: readonly [Program, ...Program[]]): Program {
  const found = programs.find((program) => pathOf(program) !== undefined)
  if (found !== undefined) return found
  const message = `${programs[0]} is not installed: apt-get install ${packages[programs[0]]}`
  if (process.env.CI) throw new Error(message)
  return ctx.skip(message)
}

/** Where the program lies; `undefined` where it is not installed. */
export function pathOf(program: Program): string | undefined {
  const places = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program))
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/**
 * What the program prints. Throws with all it said when it does not end with 0. `input`: a file, or bytes, piped into it.
 * `deaf`: what it prints is more than anybody wants to keep.
 */
export async function run(
  program: Program,
  args: readonly string[],
  options: { input?: string | AsyncIterable<Uint8Array>; cwd?: string; deaf?: boolean } = {},
): Promise<Buffer> {
  const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => options.deaf || output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  // A program that has seen enough closes its end; its exit code says whether that was right.
  const { input } = options
  if (input === undefined) child.stdin.end()
  else await pipeline(typeof input === 'string' ? createReadStream(input) : input, child.stdin).catch(() => {})
  const code = await ended
  if (code === 0) return Buffer.concat(output)
  throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${Buffer.concat([...output, ...errors])}`)
}

/** SHA-256 and name of all entries, in order, as Python reads them; Python verifies every CRC on the way. */
export async function readByPython(archive: string): Promise<{ name: string; sha256: string }[]> {
  const script = `
import hashlib, json, sys, zipfile
def sha256(file):
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
with zipfile.ZipFile(sys.argv[1]) as z:
    print(json.dumps([{'name': i.filename, 'sha256': sha256(z.open(i))} for i in z.infolist()]))
`
  return JSON.parse((await run('python3', ['-c', script, archive])).toString())
}

/** The same, as Java reads it from a pipe, front to back. `input`: a file, or bytes. */
export async function readByJava(
  input: string | AsyncIterable<Uint8Array>,
): Promise<{ name: string; sha256: string }[]> {
  const lines = (await run('java', [join(import.meta.dirname, 'ReadFromPipe.java')], { input })).toString().split('\n')
  return lines
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([hash = '', name = '']) => ({ name: Buffer.from(name, 'hex').toString(), sha256: hash }))
}
