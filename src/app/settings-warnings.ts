import { dialectOf } from '../adapters/s3/dialect.ts'
import type { Log, LogFields } from '../ports/log.ts'
import { type Config, variableNames } from './config.ts'
import { leastTokenLength } from './config-values.ts'
import { storeDoubts } from './runpod-settings.ts'

export interface SettingsWarning {
  readonly event: string
  readonly fields: LogFields
}

/** What was set and is not wrong, and yet not what somebody meant. Names variables, and never their values. */
export function settingsWarnings(environment: Readonly<Record<string, unknown>>, config: Config): SettingsWarning[] {
  const { s3, stateS3, store, apiTokens } = config
  const given = Object.entries(environment)
    .filter(([, value]) => typeof value === 'string' && value.trim() !== '')
    .map(([name]) => name)
  const known = new Set(variableNames)
  const unknown = given.filter((name) => /^(STORE|S3|STATE)_/.test(name) && !known.has(name)).sort()
  const unused = given.filter((name) => known.has(name) && isOfAnotherStore(name, config)).sort()
  const ignoresPresign = s3?.presign === 'always' && dialectOf(s3.profile, s3.endpointUrl).browsers === 'never'
  return [
    ...(unknown.length + unused.length === 0
      ? []
      : [{ event: 'settings-without-effect', fields: { store, unknown, unused } }]),
    ...(ignoresPresign
      ? [
          {
            event: 'presign-without-effect',
            fields: { consequence: 'browsers cannot use presigned URLs of this store; links are ours' },
          },
        ]
      : []),
    ...(apiTokens.some(({ token }) => token.length < leastTokenLength)
      ? [
          {
            event: 'short-api-token',
            fields: { consequence: `tokens of less than ${leastTokenLength} characters can be guessed` },
          },
        ]
      : []),
    ...storeDoubts({ s3, stateS3 }).map((doubt) => ({ event: 'store-settings-doubtful', fields: { ...doubt } })),
  ]
}

/** The prefix is that of every store; credentials of AWS may be there for other programs. */
function isOfAnotherStore(name: string, { store, stateS3 }: Config): boolean {
  if (name === 'S3_PREFIX') return false
  if (name === 'DATA_DIR') return store !== 'folder'
  return (name.startsWith('S3_') && store !== 's3') || (name.startsWith('STATE_S3_') && stateS3 === undefined)
}

export function logSettingsWarnings(log: Log, warnings: readonly SettingsWarning[]): void {
  for (const { event, fields } of warnings) log.warn(event, fields)
}
