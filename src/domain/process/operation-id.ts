import type { Ids } from '../../ports/ids.ts'

/** The client's key, if it gave one, within the kind of operation: the same key may serve a create and a cancel. */
export function operationId(kind: string, idempotencyKey: string | undefined, ids: Ids): string {
  return idempotencyKey === undefined ? ids.next() : `${kind}:${idempotencyKey}`
}
