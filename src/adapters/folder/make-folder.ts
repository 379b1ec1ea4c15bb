import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isAbsence, systemCode } from './errors.ts'

/**
 * Makes the folder and those above it that are missing, one level at a time: Node's own `recursive` never ends where the
 * system says that nothing is there and lets nothing be made there (`/proc`). Returns those that were made, the uppermost
 * first. Others may make the same ones meanwhile.
 */
export async function makeFolder(folder: string): Promise<string[]> {
  const missing: string[] = []
  for (let at = resolve(folder); !(await isThere(at)) && at !== dirname(at); at = dirname(at)) missing.unshift(at)
  const made: string[] = []
  for (const path of missing) if (await makeOne(path)) made.push(path)
  // What is there may be a file, which is said as it is when a folder is made.
  if (missing.length === 0) await makeOne(resolve(folder))
  return made
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    // The root of a file system that is read only says EROFS, and not that it exists.
    const mayExist = ['EEXIST', 'EROFS', 'EISDIR', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '')
    if (mayExist && (await isFolder(path))) return false
    throw error
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
