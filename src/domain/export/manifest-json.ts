import { type ObjectKey, objectKeyOrUndefined } from '../../ports/object-key.ts'
import type { ETag } from '../../ports/object-store.ts'
import { type ExportManifest, type ManifestEntry, writerVersion } from './manifest.ts'
import { isSafeEntryName, utf8Bytes } from './name-segment.ts'
import { ExportManifestBroken } from './refusals.ts'

type Fields = Readonly<Partial<Record<keyof ExportManifest | keyof ManifestEntry, unknown>>>

const entryMembers = ['name', 'key', 'sizeBytes', 'etag', 'crc32', 'modifiedAt']
const manifestMembers = ['id', 'name', 'createdAt', 'expiresAt', 'writerVersion', 'entries']
const maxNameBytes = 0xffff

/** UTF-8 JSON, about 250 bytes an entry. Equal manifests give equal bytes; members that are not of the types are left out. */
export function encodeManifest(manifest: ExportManifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(manifest, [...manifestMembers, ...entryMembers]))
}

/** Throws `ExportManifestBroken` for everything that `encodeManifest` does not write, other writer versions included. */
export function decodeManifest(bytes: Uint8Array): ExportManifest {
  const fields = fieldsOf(parse(bytes), manifestMembers, 'the manifest')
  if (fields.writerVersion !== writerVersion) throw new ExportManifestBroken('the manifest has an unknown version')
  if (!Array.isArray(fields.entries)) throw new ExportManifestBroken('the manifest has no entries')
  const entries = fields.entries.map(entryOf)
  if (new Set(entries.map(({ name }) => name)).size !== entries.length) {
    throw new ExportManifestBroken('the manifest has two entries of one name')
  }
  return {
    id: textOf(fields, 'id'),
    name: textOf(fields, 'name'),
    createdAt: instantOf(fields, 'createdAt'),
    expiresAt: instantOf(fields, 'expiresAt'),
    writerVersion,
    entries,
  }
}

function entryOf(value: unknown): ManifestEntry {
  const fields = fieldsOf(value, entryMembers, 'an entry')
  const sizeBytes = countOf(fields, 'sizeBytes', Number.MAX_SAFE_INTEGER)
  const crc32 = fields.crc32 === null ? null : countOf(fields, 'crc32', 0xffff_ffff)
  return {
    name: nameOf(fields, sizeBytes === 0 && crc32 === 0),
    key: keyOf(fields),
    sizeBytes,
    etag: textOf(fields, 'etag') as ETag,
    crc32,
    modifiedAt: instantOf(fields, 'modifiedAt'),
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ExportManifestBroken('the manifest is not JSON', { cause })
  }
}

function fieldsOf(value: unknown, members: readonly string[], what: string): Fields {
  if (typeof value !== 'object' || value === null) throw new ExportManifestBroken(`${what} is not an object`)
  const found = Object.keys(value)
  if (found.length !== members.length || !members.every((member) => Object.hasOwn(value, member))) {
    throw new ExportManifestBroken(`${what} does not have just its members`)
  }
  return value as Fields
}

function textOf(fields: Fields, member: keyof Fields): string {
  const value = fields[member]
  if (typeof value !== 'string' || value === '') throw new ExportManifestBroken(`${member} is not a text`)
  return value
}

function countOf(fields: Fields, member: keyof Fields, max: number): number {
  const value = fields[member]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max || Object.is(value, -0)) {
    throw new ExportManifestBroken(`${member} is not a whole number from 0 to ${max}`)
  }
  return value
}

function instantOf(fields: Fields, member: keyof Fields): string {
  const value = textOf(fields, member)
  const instant = new Date(value)
  if (Number.isNaN(instant.getTime()) || instant.toISOString() !== value) {
    throw new ExportManifestBroken(`${member} is not an instant`)
  }
  return value
}

function keyOf(fields: Fields): ObjectKey {
  const key = objectKeyOrUndefined(textOf(fields, 'key'))
  if (key === undefined) throw new ExportManifestBroken('a key is not one')
  return key
}

/** Checked although we wrote it: what stands here decides where files land on the disks of those who unpack it. */
function nameOf(fields: Fields, mayBeFolder: boolean): string {
  const name = textOf(fields, 'name')
  const safe = isSafeEntryName(name) && utf8Bytes(name) <= maxNameBytes && (mayBeFolder || !name.endsWith('/'))
  if (!safe) throw new ExportManifestBroken('the name of an entry is not safe')
  return name
}
