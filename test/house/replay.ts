import { spawnSync } from 'node:child_process'
import { chmod, cp, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { temporaryFolder } from '../app/temporary-folder.ts'
import { repository } from '../servers/child.ts'
import { assignments, type Instruction, type Stage, words } from './dockerfile.ts'

export const asRoot = process.geteuid?.() === 0

/** A stage replayed on this machine: `root` is its `/`, and every path of it lies below. */
export interface Replayed {
  readonly root: string
  cwd: string
  user: number | undefined
  readonly env: Record<string, string>
  /** The last of each instruction. */
  readonly last: Map<string, string>
}

/** Only root may give files away; elsewhere everything belongs to whoever runs the test. */
const chownForAll = asRoot ? '' : 'chown() { :; }; '

/** Does what the stage says, but for what only tells the engine something: that is in `last`. */
export async function replay(stage: Stage, earlier: ReadonlyMap<string, Replayed>): Promise<Replayed> {
  const base = earlier.get(stage.from)
  const root = await temporaryFolder()
  await chmod(root, 0o755)
  if (base === undefined) {
    // In place of the image that is not ours: its Node.
    await mkdir(join(root, 'usr/local/bin'), { recursive: true })
    await cp(process.execPath, join(root, 'usr/local/bin/node'))
  } else await cp(base.root, root, { recursive: true })
  const image: Replayed = {
    root,
    cwd: base?.cwd ?? '/',
    user: base?.user,
    env: { ...base?.env },
    last: new Map(base?.last),
  }
  for (const instruction of stage.instructions) await step(image, instruction, earlier)
  return image
}

async function step(image: Replayed, { name, flags, text }: Instruction, earlier: ReadonlyMap<string, Replayed>) {
  image.last.set(name, text)
  if (name === 'WORKDIR') {
    image.cwd = resolve(image.cwd, text)
    await mkdir(join(image.root, image.cwd), { recursive: true })
  }
  if (name === 'ENV') Object.assign(image.env, assignments(text))
  if (name === 'USER') image.user = Number(text.split(':')[0])
  if (name === 'COPY') {
    const from = flags.from === undefined ? undefined : earlier.get(flags.from)
    if (flags.from !== undefined && from === undefined) throw new Error(`no stage ${flags.from}`)
    if (from === undefined) await demandInContext(words(text).slice(0, -1))
    await copy(words(text), from?.root ?? repository, join(image.root, image.cwd), text)
  }
  if (name === 'RUN') {
    const script = text.replaceAll(/(?<=\s)\/(?=\w)/g, `${image.root}/`)
    const { status, stderr } = spawnSync('sh', ['-ec', chownForAll + script], {
      cwd: join(image.root, image.cwd),
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        // Where the registry is reached through a proxy with a certificate of its own.
        NODE_EXTRA_CA_CERTS: process.env.NODE_EXTRA_CA_CERTS,
        npm_config_prefer_offline: 'true',
        ...image.env,
      },
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${text}\n${stderr}`)
  }
}

/** As COPY does it: files into a folder, of a folder what is in it. */
async function copy(paths: readonly string[], from: string, cwd: string, text: string): Promise<void> {
  const sources = paths.slice(0, -1)
  const to = join(cwd, paths.at(-1) ?? '')
  for (const source of sources) {
    const path = join(from, source)
    const target = (await stat(path)).isDirectory() || !text.endsWith('/') ? to : join(to, basename(path))
    await mkdir(dirname(target), { recursive: true })
    await cp(path, target, { recursive: true })
  }
}

/** What .dockerignore leaves out cannot be copied. It names all that is let in. */
async function demandInContext(sources: readonly string[]): Promise<void> {
  const [first, ...rest] = (await readFile(join(repository, '.dockerignore'), 'utf8')).trim().split('\n')
  const missing = sources.filter((source) => !rest.includes(`!${source}`))
  if (first !== '*' || missing.length > 0) throw new Error(`.dockerignore does not let in ${missing.join(', ')}`)
}
