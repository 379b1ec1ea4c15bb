import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { StoreMisbehaved, StoreUnavailable, UnsupportedByStore } from '../../ports/errors.ts'
import { compareKeys } from '../../ports/object-key.ts'
import type { CallOptions, ListPage } from '../../ports/object-store.ts'
import { type S3Bucket, send } from './bucket.ts'
import { Absent, RequestRefused } from './errors.ts'
import { decodeCursor, encodeCursor, type ListPosition } from './list-cursor.ts'
import { entriesIn, foldedAt, lastBeginning } from './list-entries.ts'
import { formsToTry, type ListForm, listParameters } from './list-form.ts'

export type ListRequest = CallOptions & { prefix: string; delimiter?: '/'; cursor?: string; limit: number }

/** The most that S3 gives out at once. */
const pageMax = 1000
/** How often a page is asked for that names itself as the next one. */
const standstillsMax = 3

/**
 * The port's `list`. Names that cannot be keys (directory markers, RunPod's own folders) and names that were not asked for
 * are left out, so a page may be short. Within a page the order is ours; across pages it is the server's.
 */
export async function listObjects(bucket: S3Bucket, request: ListRequest): Promise<ListPage> {
  const { prefix, delimiter, cursor, limit } = request
  const from = cursor === undefined ? { form: bucket.learned.listForm } : decodeCursor(cursor)
  const { answer, form } = await answerTo(bucket, request, from)
  const next = nextToken(answer)
  const { entries: asked, strays, leftOut } = entriesIn(answer, { base: bucket.base, prefix })
  if (strays) bucket.learned.listsMore = true
  const folded = delimiter === undefined ? asked : foldedAt(delimiter, asked, prefix)
  const entries = folded
    .filter(({ name, object }) => object !== undefined || name !== from.shown)
    .filter(({ name }) => from.after === undefined || compareKeys(name, from.after) > 0)
    .sort((a, b) => compareKeys(a.name, b.name))
  // Servers that do not count prefixes give more than the limit. Then the rest is cut off, and asked for again.
  const page = entries.slice(0, limit)
  const cut = entries.length > limit ? page.at(-1)?.name : undefined
  return {
    objects: page.flatMap(({ object }) => object ?? []),
    prefixes: page.flatMap(({ name, object }) => (object === undefined ? name : [])),
    cursor:
      cut === undefined
        ? next && encodeCursor({ token: next, shown: lastBeginning(folded) ?? from.shown, form })
        : encodeCursor({ ...from, after: cut, form }),
    // Of a page that is cut, those behind the cut are told with the rest.
    ...(leftOut > 0 && cut === undefined && { leftOut }),
  }
}

/** One page, in the first form that the server takes; what it refused once it is not asked again. */
async function answerTo(
  bucket: S3Bucket,
  { prefix, delimiter, limit, signal }: ListRequest,
  { token, form }: ListPosition,
): Promise<{ answer: ListObjectsV2CommandOutput; form: ListForm }> {
  const whole = { prefix: bucket.base + prefix, delimiter }
  // The token of a page belongs to one form.
  const forms = token === undefined ? formsToTry(form, whole) : [form]
  let refusal: unknown
  for (const candidate of forms) {
    const parameters = listParameters(candidate, whole)
    // Most of a page may be cut or left out, and small ones would make it a long way.
    const sparse = parameters.Delimiter !== delimiter || parameters.Prefix !== whole.prefix
    const MaxKeys = sparse || bucket.learned.listsMore ? pageMax : limit
    try {
      const answer = await movingPage(bucket, { ...parameters, MaxKeys }, token, signal)
      if (refusal !== undefined) bucket.learned.listForm = candidate
      return { answer, form: candidate }
    } catch (error) {
      if (!(error instanceof RequestRefused || error instanceof UnsupportedByStore)) throw error
      refusal ??= error
    }
  }
  throw refusal
}

/** RunPod is reported to give the same token twice, while it computes the checksums of a first listing. */
async function movingPage(
  bucket: S3Bucket,
  parameters: object,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ListObjectsV2CommandOutput> {
  const command = new ListObjectsV2Command({
    Bucket: bucket.bucket,
    ...parameters,
    ...(token !== undefined && { ContinuationToken: token }),
  })
  for (let tries = 0; tries < standstillsMax; tries++) {
    const answer = await send(signal, (options) => bucket.client.send(command, options)).catch((error: unknown) => {
      throw error instanceof Absent ? new StoreMisbehaved('the store knows no listing', { cause: error }) : error
    })
    if (token === undefined || nextToken(answer) !== token) return answer
  }
  throw new StoreMisbehaved('the listing does not move on')
}

function nextToken(answer: ListObjectsV2CommandOutput): string | undefined {
  const { IsTruncated, KeyCount, Name, NextContinuationToken } = answer
  // An answer without a body reads like an empty bucket.
  if (IsTruncated === undefined && KeyCount === undefined && Name === undefined) {
    throw new StoreUnavailable('the store answered a listing with nothing')
  }
  if (!IsTruncated) return undefined
  // An empty one would lead back to the first page, again and again.
  if (!NextContinuationToken) throw new StoreMisbehaved('a listing breaks off without saying where')
  return NextContinuationToken
}
