import { type DialectName, dialectOf } from '../adapters/s3/dialect.ts'

/** The data centre that an endpoint of RunPod names, as it names its regions: `EU-RO-1`. */
export function runPodRegion(endpointUrl: string | undefined): string | undefined {
  if (endpointUrl === undefined || !URL.canParse(endpointUrl)) return undefined
  return /^s3api-([a-z0-9-]+)\.runpod\.io$/.exec(new URL(endpointUrl).hostname)?.[1]?.toUpperCase()
}

/** What can never work: RunPod signs for the data centre of the endpoint and answers "region … is wrong" to any other. */
export function runPodRegionProblem(endpointUrl: string | undefined, region: string | undefined): string | undefined {
  const expected = runPodRegion(endpointUrl)
  if (expected === undefined || region === undefined || region.toUpperCase() === expected) return undefined
  return `must be ${expected}, as in the endpoint, or unset`
}

interface StoreAccess {
  readonly profile: DialectName | 'auto'
  readonly endpointUrl: string | undefined
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface StoreDoubt {
  readonly store: 'objects' | 'state'
  readonly doubt: string
}

/**
 * What looks wrong in the settings of a RunPod store, and may be right: shapes are RunPod's to change, so this is said and
 * never refused. No value is quoted.
 */
export function storeDoubts({
  s3,
  stateS3,
}: {
  s3: StoreAccess | undefined
  stateS3: StoreAccess | undefined
}): StoreDoubt[] {
  return [
    ...runPodDoubts(s3).map((doubt) => ({ store: 'objects' as const, doubt })),
    ...runPodDoubts(stateS3).map((doubt) => ({ store: 'state' as const, doubt })),
  ]
}

function runPodDoubts(access: StoreAccess | undefined): string[] {
  if (access === undefined || dialectOf(access.profile, access.endpointUrl).name !== 'runpod') return []
  const shapes: readonly [right: boolean, doubt: string][] = [
    [runPodRegion(access.endpointUrl) !== undefined, 'the endpoint is not like https://s3api-<data centre>.runpod.io'],
    [access.accessKeyId.startsWith('user_'), 'the access key does not begin with user_, as S3 API keys of RunPod do'],
    [access.secretAccessKey.startsWith('rps_'), 'the secret does not begin with rps_, as S3 API keys of RunPod do'],
  ]
  return shapes.flatMap(([right, doubt]) => (right ? [] : [doubt]))
}
