import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'

// Loaded before s3rver, in its process. It answers a PUT when it has read the body, not when the file has it, so a reader
// who comes at once may find the old bytes or none. Here it waits for the file. And it writes what it notes of an object (its
// MD5, its metadata) in place, so that a listing which comes meanwhile has an empty ETag or is a 500. Here it renames.

const require = createRequire(createRequire(import.meta.url).resolve('s3rver'))

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>
interface Writable {
  once(event: 'close' | 'error', listener: () => void): void
}
const files = require('fs-extra') as {
  createWriteStream: (...args: unknown[]) => Writable
  writeFile: (path: string, text: string) => Promise<void>
  rename: (from: string, to: string) => Promise<void>
}
const { prototype } = require('./stores/filesystem') as { prototype: Record<'putObject' | 'putPart', Method> }

const written = new AsyncLocalStorage<Promise<void>[]>()

const { createWriteStream } = files
files.createWriteStream = (...args) => {
  const stream = createWriteStream(...args)
  const closed = new Promise<void>((resolve) => {
    stream.once('close', resolve)
    stream.once('error', resolve)
  })
  written.getStore()?.push(closed)
  return stream
}

const { writeFile } = files
let writes = 0
files.writeFile = async (path, text) => {
  writes += 1
  const unfinished = `${path}.${writes}`
  await writeFile(unfinished, text)
  await files.rename(unfinished, path)
}

for (const name of ['putObject', 'putPart'] as const) {
  const original = prototype[name]
  prototype[name] = function (...args) {
    const streams: Promise<void>[] = []
    return written.run(streams, async () => {
      const result = await original.apply(this, args)
      await Promise.all(streams)
      return result
    })
  }
}
