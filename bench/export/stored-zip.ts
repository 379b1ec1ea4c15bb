import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { type Dataset, fileName } from './origin/dataset.ts'
import { fileOf, piecesOf } from './origin/dataset-file.ts'

const endBytes = 22
const centralBytes = 46
const localBytes = 30

/**
 * Throws unless `path` is a zip of just the files of `dataset`, each once and stored, whose central directory, local headers and bytes agree
 * with each other and with the files. Reads with no code of ours or of the peers. No ZIP64: what is measured needs none.
 */
export function demandZipOf(dataset: Dataset, path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    demandEntries(
      dataset,
      (offset, bytes) => {
        const read = Buffer.alloc(bytes)
        if (readSync(descriptor, read, 0, bytes, offset) !== bytes)
          throw new Error(`${path} ends before ${offset + bytes}`)
        return read
      },
      fstatSync(descriptor).size,
    )
  } finally {
    closeSync(descriptor)
  }
}

type Read = (offset: number, bytes: number) => Buffer

function demandEntries(dataset: Dataset, read: Read, sizeBytes: number): void {
  const end = read(sizeBytes - endBytes, endBytes)
  demand(end.readUInt32LE(0) === 0x06054b50, 'it does not end with an end record')
  const count = end.readUInt16LE(10)
  const directory = read(end.readUInt32LE(16), end.readUInt32LE(12))
  const names = new Set<string>()
  let at = 0
  for (let i = 0; i < count; i++) {
    demand(directory.readUInt32LE(at) === 0x02014b50, `entry ${i} is no record of the directory`)
    const nameBytes = directory.readUInt16LE(at + 28)
    const name = directory.toString('utf8', at + centralBytes, at + centralBytes + nameBytes)
    const stored = {
      method: directory.readUInt16LE(at + 10),
      crc32: directory.readUInt32LE(at + 16),
      sizeBytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    }
    demandEntry(name, stored, read)
    names.add(name)
    at += centralBytes + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  demand(at === directory.byteLength, 'the directory is longer than its entries')
  const missing = Array.from({ length: dataset.files }, (_, index) => fileName(dataset, index)).find(
    (name) => !names.has(name),
  )
  demand(missing === undefined && names.size === count, `${missing ?? 'a name twice'} among ${count} entries`)
}

function demandEntry(
  name: string,
  stored: { method: number; crc32: number; sizeBytes: number; offset: number },
  read: Read,
): void {
  const file = fileOf(name)
  demand(file !== undefined, `${name} is none of the files`)
  demand(stored.method === 0 && stored.sizeBytes === file.sizeBytes, `${name} is not stored, or has another size`)
  const local = read(stored.offset, localBytes)
  demand(local.readUInt32LE(0) === 0x04034b50, `${name} has no local header`)
  let at = stored.offset + localBytes + local.readUInt16LE(26) + local.readUInt16LE(28)
  let crc = 0
  for (const piece of piecesOf(file, 0, file.sizeBytes)) {
    const found = read(at, piece.byteLength)
    demand(found.equals(piece), `${name} has other bytes`)
    crc = crc32(found, crc)
    at += piece.byteLength
  }
  demand(crc === stored.crc32, `${name} has another CRC-32 than its record`)
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}
