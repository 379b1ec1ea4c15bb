import { type ObjectKey, objectKeyOrUndefined } from '../../ports/object-key.ts'
import type { ETag } from '../../ports/object-store.ts'
import { datasetName } from '../dataset/dataset-name.ts'
import { processId } from '../process/process-state.ts'
import { type ResultKind, resultKinds } from '../result/result.ts'
import {
  awaitedBytesMax,
  type EntryCrc32,
  type ExportManifest,
  type ManifestEntry,
  manifestEntriesMax,
  writerVersion,
} from './manifest.ts'
import { isSafeEntryName, utf8Bytes } from './name-segment.ts'
import { ExportManifestBroken } from './refusals.ts'
import type { Selected } from './selection.ts'

/** All that is said of the export as a whole, and how many entries follow. */
export type ManifestHead = Omit<ExportManifest, 'entries'> & { readonly entries: number }

/** Its expiry first, so that who sweeps reads no more than the beginning. */
const headMembers = [
  'expiresAt',
  'id',
  'name',
  'createdAt',
  'writerVersion',
  'entries',
  'missing',
  'empty',
  'leftOut',
] as const
const maxNameBytes = 0xffff

type Head = Readonly<Record<(typeof headMembers)[number], unknown>>

export function encodeHead(manifest: ExportManifest): string {
  const head: Head = { ...manifest, entries: manifest.entries.length }
  return JSON.stringify(Object.fromEntries(headMembers.map((member) => [member, head[member]])))
}

/** Throws `ExportManifestBroken`. */
export function decodeHead(line: string): ManifestHead {
  const head = parse(line)
  if (!hasJust(head, headMembers)) throw new ExportManifestBroken('the head does not have just its members')
  if (head.writerVersion !== writerVersion) throw new ExportManifestBroken('the manifest has an unknown version')
  return {
    id: textOf(head.id, 'the id'),
    name: textOf(head.name, 'the name'),
    createdAt: instantOf(head.createdAt),
    expiresAt: instantOf(head.expiresAt),
    writerVersion,
    entries: countOf(head.entries, manifestEntriesMax),
    missing: arrayOf(head.missing).map(keyOf),
    empty: arrayOf(head.empty).map(selectedOf),
    leftOut: countOf(head.leftOut, Number.MAX_SAFE_INTEGER),
  }
}

/** When an export expires whose manifest begins with `beginning`; `undefined` for what is no manifest of ours. */
export function expiryIn(beginning: string): number | undefined {
  const [, expiresAt = ''] = /^\{"expiresAt":"([^"]*)"/.exec(beginning) ?? []
  const instantMs = Date.parse(expiresAt)
  return Number.isNaN(instantMs) ? undefined : instantMs
}

export function encodeEntry({ name, key, sizeBytes, etag, crc32, modifiedAt, sha256 }: ManifestEntry): string {
  const fields = [name, key, sizeBytes, etag, crc32, modifiedAt]
  return JSON.stringify(sha256 === undefined ? fields : [...fields, sha256])
}

/** Throws `ExportManifestBroken`. */
export function decodeEntry(line: string): ManifestEntry {
  const fields = arrayOf(parse(line))
  if (fields.length !== 6 && fields.length !== 7) {
    throw new ExportManifestBroken('an entry does not have just its fields')
  }
  const sizeBytes = countOf(fields[2], Number.MAX_SAFE_INTEGER)
  const crc32 = crc32Of(fields[4], sizeBytes)
  return {
    name: nameOf(fields[0], sizeBytes === 0 && crc32 === 0),
    key: keyOf(fields[1]),
    sizeBytes,
    etag: textOf(fields[3], 'an ETag') as ETag,
    crc32,
    modifiedAt: instantOf(fields[5]),
    ...(fields.length === 6 ? {} : { sha256: sha256Of(fields[6]) }),
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new ExportManifestBroken('a line of the manifest is not JSON', { cause })
  }
}

function hasJust<Member extends string>(
  value: unknown,
  members: readonly Member[],
): value is Readonly<Record<Member, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return Object.keys(value).length === members.length && members.every((member) => Object.hasOwn(value, member))
}

function arrayOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new ExportManifestBroken('something of the manifest is no list')
  return value
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw new ExportManifestBroken(`${what} is not a text`)
  return value
}

function countOf(value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max || Object.is(value, -0)) {
    throw new ExportManifestBroken(`a number of the manifest is not a whole one from 0 to ${max}`)
  }
  return value
}

function instantOf(value: unknown): string {
  const text = textOf(value, 'a time')
  const instant = new Date(text)
  if (Number.isNaN(instant.getTime()) || instant.toISOString() !== text) {
    throw new ExportManifestBroken('a time of the manifest is no instant')
  }
  return text
}

/** What is awaited is held in memory, so that its size is bounded here. */
function crc32Of(value: unknown, sizeBytes: number): EntryCrc32 {
  if (value === null || (value === 'awaited' && sizeBytes <= awaitedBytesMax)) return value
  return countOf(value, 0xffff_ffff)
}

function sha256Of(value: unknown): string {
  const text = textOf(value, 'a SHA-256')
  if (!/^[0-9a-f]{64}$/.test(text)) throw new ExportManifestBroken('a SHA-256 is none')
  return text
}

function keyOf(value: unknown): ObjectKey {
  const key = objectKeyOrUndefined(textOf(value, 'a key'))
  if (key === undefined) throw new ExportManifestBroken('a key is not one')
  return key
}

/** Checked although we wrote it: what stands here decides where files land on the disks of those who unpack it. */
function nameOf(value: unknown, mayBeFolder: boolean): string {
  const name = textOf(value, 'the name of an entry')
  const safe = isSafeEntryName(name) && utf8Bytes(name) <= maxNameBytes && (mayBeFolder || !name.endsWith('/'))
  if (!safe) throw new ExportManifestBroken('the name of an entry is not safe')
  return name
}

const isResultKind = (value: unknown): value is ResultKind => resultKinds.some((kind) => kind === value)

function selectedOf(value: unknown): Selected {
  try {
    if (hasJust(value, ['dataset'])) return { dataset: datasetName(textOf(value.dataset, 'a dataset')) }
    if (hasJust(value, ['prefix'])) return { prefix: textOf(value.prefix, 'a prefix') }
    if (hasJust(value, ['process', 'kinds'])) {
      const kinds = arrayOf(value.kinds)
      if (kinds.every(isResultKind)) return { process: processId(textOf(value.process, 'a process')), kinds }
    }
  } catch (cause) {
    throw new ExportManifestBroken('what was selected has no name', { cause })
  }
  throw new ExportManifestBroken('what was selected is not of a kind that can be')
}
