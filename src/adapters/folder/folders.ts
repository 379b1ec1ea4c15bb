import type { BigIntStats } from 'node:fs'
import { lstat, mkdir, readdir, realpath, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { KeyConflict } from '../../ports/errors.ts'
import { syncFolder } from './durable.ts'
import { isAbsence, systemCode } from './errors.ts'
import { type Version, versionOf } from './version.ts'

/** Whether the path is reached without a symbolic link. Links are never followed: they may lead anywhere. */
export async function isDirect(path: string): Promise<boolean> {
  try {
    return (await realpath(path)) === path
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

export interface Spot {
  /** Of the object at the path; `undefined` for everything that is not an object. */
  readonly version: Version | undefined
  /** Whether a file may be renamed to the path as it is. */
  readonly isClear: boolean
}

export async function look(path: string): Promise<Spot> {
  const [stats, direct] = await Promise.all([lstatOrAbsent(path), isDirect(dirname(path))])
  const isFile = stats?.isFile() ?? false
  return {
    version: direct && isFile && stats !== undefined ? versionOf(stats) : undefined,
    isClear: direct && (isFile || stats === undefined),
  }
}

/** The version of the object at a path below the root; `undefined` for everything that is not an object. */
export async function objectVersion(path: string): Promise<Version | undefined> {
  return (await look(path)).version
}

/** Makes the folders, so that a file may be renamed to the path. Throws `KeyConflict` when something else is in the way. */
export async function clearWay(root: string, path: string): Promise<void> {
  await makeFolder(root, dirname(path))
  const stats = await lstatOrAbsent(path)
  if (stats === undefined || stats.isFile()) return
  if (!stats.isDirectory()) throw new KeyConflict('what lies there is no file')
  if (!(await removedHollow(path))) throw new KeyConflict('the key is the beginning of others')
}

/** Makes the folder and those above it, down from the root, and never through a symbolic link. */
async function makeFolder(root: string, folder: string): Promise<void> {
  if (await isDirect(folder)) return
  if (folder !== root) await makeFolder(root, dirname(folder))
  try {
    await mkdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') throw new KeyConflict('a beginning of the key is an object', { cause: error })
    if (systemCode(error) !== 'EEXIST') throw error
    // Somebody else may have made it just now, and an ENOENT says that he has removed it again: the caller retries.
    const isFolder = (await lstat(folder)).isDirectory()
    if (!isFolder || (await realpath(folder)) !== folder) {
      throw new KeyConflict('a beginning of the key is no folder of ours', { cause: error })
    }
  }
  await syncFolder(dirname(folder))
}

/** Removes the folders that a removal has left empty, upwards. Gives the one that stays. */
export async function pruneFolders(root: string, folder: string): Promise<string> {
  let lowest = folder
  while (lowest !== root && (await removedEmpty(lowest))) lowest = dirname(lowest)
  return lowest
}

export function pathOf(root: string, key: string): string {
  return join(root, ...key.split('/'))
}

async function lstatOrAbsent(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

// A folder that is not empty says ENOTEMPTY or EEXIST; a mount point EBUSY. The system decides, so no race can lose a file.
async function removedEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    return systemCode(error) === 'ENOENT'
  }
}

// Folders without one file in them are what a crash leaves between a removal and the pruning after it.
async function removedHollow(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory() || !(await removedHollow(join(folder, entry.name)))) return false
  }
  return removedEmpty(folder)
}
