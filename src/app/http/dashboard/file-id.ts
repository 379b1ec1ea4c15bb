import { fromBase64Url, toBase64Url } from '../../../adapters/hmac-links/base64url.ts'
import { isPublic } from '../../../domain/object/public-key.ts'
import { type ObjectKey, objectKeyOrUndefined } from '../../../ports/object-key.ts'

/** Its dot is in no id of a process, so that an id means one thing wherever the dashboard sends it. */
const mark = 'file.'

/** The id under which the dashboard knows a file: safe in a path, and says its key, so that nothing is looked up. */
export function fileId(key: ObjectKey): string {
  return mark + toBase64Url(new TextEncoder().encode(key))
}

/** `undefined` for everything that `fileId` does not write for an object that users may name. */
export function keyOfFileId(id: string): ObjectKey | undefined {
  const bytes = id.startsWith(mark) ? fromBase64Url(id.slice(mark.length)) : undefined
  const key = bytes && objectKeyOrUndefined(new TextDecoder().decode(bytes))
  return key !== undefined && isPublic(key) ? key : undefined
}
