import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { makeFolder } from './make-folder.ts'

/** Where everything lies. */
export interface Place {
  /** The objects and nothing else: `${root}/${key}`. Absolute and free of symbolic links. */
  readonly root: string
  /** Files that are still being written, and what is being thrown away. */
  readonly temporary: string
  readonly sidecars: string
  readonly uploads: string
  readonly locks: string
  /** What sets the keys below this root apart from those of others that share the state folder. The same on every mount. */
  readonly scope: string
}

/** Makes the folders at the first call, and again when that failed. `made` hears of it once. */
export function createPlace(
  options: { readonly root: string; readonly stateDir: string },
  made: (place: Place) => void,
): () => Promise<Place> {
  const way = relative(resolve(options.root), resolve(options.stateDir))
  if (way === '' || !(way.startsWith('..') || isAbsolute(way))) {
    throw new TypeError('the state folder must lie outside of the folder with the objects')
  }
  let place: Promise<Place> | undefined
  return () => {
    if (place === undefined) {
      place = make(options)
      place.then(made, () => {
        place = undefined
      })
    }
    return place
  }
}

async function make({ root, stateDir }: { root: string; stateDir: string }): Promise<Place> {
  const [temporary, sidecars] = [join(stateDir, 'tmp'), join(stateDir, 'meta')]
  const [uploads, locks] = [join(stateDir, 'uploads'), join(stateDir, 'locks')]
  await Promise.all([root, temporary, sidecars, uploads, locks].map(makeFolder))
  const state = await realpath(stateDir)
  const place = { root: await realpath(root), temporary, sidecars, uploads, locks }
  return { ...place, scope: relative(state, place.root) }
}

/** Under this name whoever changes the object keeps others out. */
export function lockName({ scope }: Place, key: string): string {
  return `${scope}\0${key}`
}
