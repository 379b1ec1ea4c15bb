/**
 * `work` on every item, at most `inFlight` at a time, results in order of the items. The first failure rejects after what
 * is in flight has settled, and nothing further is started.
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  inFlight: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length)
  const queue = items.entries()
  let failed: { readonly error: unknown } | undefined
  const lane = async () => {
    for (const [index, item] of queue) {
      if (failed !== undefined) return
      try {
        results[index] = await work(item, index)
      } catch (error) {
        failed ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, items.length) }, lane))
  if (failed !== undefined) throw failed.error
  return results
}
