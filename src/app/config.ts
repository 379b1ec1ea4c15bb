import * as z from 'zod'
import type { ResilienceSettings } from '../adapters/resilience/settings.ts'
import { type Dialect, type DialectName, dialectNames, dialectOf } from '../adapters/s3/dialect.ts'
import { manifestEntriesMax } from '../domain/export/manifest.ts'
import {
  type ApiToken,
  apiToken,
  count,
  flag,
  integer,
  type LinkSecretSetting,
  linkSecret,
  list,
  origin,
  text,
  url,
  word,
} from './config-values.ts'
import { runPodRegion, runPodRegionProblem } from './runpod-settings.ts'
import { storeSettings, storeSettingsFaults, storeVariables } from './store-settings.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

const profile = word(['auto', ...dialectNames]).default('auto')

const EnvironmentSchema = z
  .object({
    PORT: integer(0, 65_535).default(8787),
    HOST: text.default('127.0.0.1'),
    PUBLIC_URL: url.optional(),
    STORE: word(['folder', 's3', 'memory', 'r2']).optional(),
    DATA_DIR: text.default('./data'),
    S3_ENDPOINT_URL: url.optional(),
    S3_REGION: text.optional(),
    S3_BUCKET: text.optional(),
    S3_PREFIX: text
      .regex(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, 'segments of letters, digits, . _ - joined by /')
      .refine((given) => !given.split('/').some((segment) => /^\.+$/.test(segment)), 'must not contain dot segments')
      .default('lora-dashboard'),
    AWS_ACCESS_KEY_ID: text.optional(),
    AWS_SECRET_ACCESS_KEY: text.optional(),
    AWS_SESSION_TOKEN: text.optional(),
    S3_FORCE_PATH_STYLE: flag.optional(),
    S3_PROFILE: profile,
    S3_PRESIGN: word(['auto', 'always', 'never']).default('auto'),
    STATE_S3_ENDPOINT_URL: url.optional(),
    STATE_S3_REGION: text.optional(),
    STATE_S3_BUCKET: text.optional(),
    STATE_S3_ACCESS_KEY_ID: text.optional(),
    STATE_S3_SECRET_ACCESS_KEY: text.optional(),
    STATE_S3_PROFILE: profile,
    STATE_CAS: word(['auto', 'require']).default('auto'),
    API_TOKENS: list(apiToken).default([]),
    LINK_SECRETS: list(linkSecret).default([]),
    CORS_ORIGINS: list(origin).default([]),
    DASHBOARD: word(['off', 'trusted-network']).optional(),
    LOG_LEVEL: word(['debug', 'info', 'warn', 'error']).default('info'),
    MAX_FILE_BYTES: count(100 * MiB),
    MAX_FILES_PER_REQUEST: count(5000),
    MAX_UPLOAD_BYTES: count(64 * GiB),
    MAX_EXPORT_ENTRIES: integer(1, manifestEntriesMax).default(100_000),
    MAX_EXPORT_BYTES: count(1024 * GiB),
    MIN_IMAGE_SIDE_PX: count(512),
    MAX_IMAGE_SIDE_PX: count(4096),
    UPLOAD_WINDOW_BYTES: count(64 * MiB, 16 * MiB),
    ...storeVariables,
  })
  .superRefine(
    (env, context) => {
      const wrong = new Set(context.issues.map(({ path }) => path?.[0]))
      const problem = (name: keyof typeof env, message: string) =>
        context.addIssue({ code: 'custom', path: [name], message })
      // What is there and wrong is told already, and says nothing about the others.
      const absent = (name: keyof typeof env) => env[name] === undefined && !wrong.has(name)
      const demand = (name: keyof typeof env, why: string) => {
        if (absent(name)) problem(name, why)
      }
      const store = wrong.has('STORE') ? undefined : (env.STORE ?? (absent('S3_BUCKET') ? 'folder' : 's3'))
      if (store === 's3') {
        demand('S3_BUCKET', 'is required when STORE=s3')
        demand('AWS_ACCESS_KEY_ID', 'is required when STORE=s3')
        demand('AWS_SECRET_ACCESS_KEY', 'is required when STORE=s3')
        if (absent('S3_ENDPOINT_URL')) demand('S3_REGION', 'is required when there is no S3_ENDPOINT_URL')
        if (needsEndpoint.has(env.S3_PROFILE))
          demand('S3_ENDPOINT_URL', `is required with S3_PROFILE=${env.S3_PROFILE}`)
        const region = runPodRegionProblem(env.S3_ENDPOINT_URL, env.S3_REGION)
        if (region !== undefined) problem('S3_REGION', region)
      }
      if (env.STATE_S3_BUCKET !== undefined) {
        demand('STATE_S3_ACCESS_KEY_ID', 'is required with STATE_S3_BUCKET')
        demand('STATE_S3_SECRET_ACCESS_KEY', 'is required with STATE_S3_BUCKET')
        if (absent('STATE_S3_ENDPOINT_URL')) {
          demand('STATE_S3_REGION', 'is required when there is no STATE_S3_ENDPOINT_URL')
        }
        if (needsEndpoint.has(env.STATE_S3_PROFILE)) {
          demand('STATE_S3_ENDPOINT_URL', `is required with STATE_S3_PROFILE=${env.STATE_S3_PROFILE}`)
        }
        const region = runPodRegionProblem(env.STATE_S3_ENDPOINT_URL, env.STATE_S3_REGION)
        if (region !== undefined) problem('STATE_S3_REGION', region)
      }
      const dialects = [
        store === 's3' ? dialectIn(env.S3_PROFILE, env.S3_ENDPOINT_URL) : undefined,
        ...(env.STATE_S3_BUCKET === undefined ? [] : [dialectIn(env.STATE_S3_PROFILE, env.STATE_S3_ENDPOINT_URL)]),
      ]
      for (const { path, message } of storeSettingsFaults(env, { wrong, dialects })) {
        context.addIssue({ code: 'custom', path: [path], message })
      }
      if (env.MIN_IMAGE_SIDE_PX > env.MAX_IMAGE_SIDE_PX) {
        problem('MIN_IMAGE_SIDE_PX', 'must not be larger than MAX_IMAGE_SIDE_PX')
      }
      if (!wrong.has('API_TOKENS') && env.API_TOKENS.length === 0 && !isLoopback(env.HOST)) {
        problem('HOST', `${env.HOST} is reachable from outside, so API_TOKENS is required (or HOST=127.0.0.1)`)
      }
    },
    // Also when single variables are wrong, so that all is told at once.
    { when: () => true },
  )

/** `undefined` where what names it is wrong, which is told already. */
function dialectIn(profile: DialectName | 'auto', endpointUrl: string | undefined): Dialect | undefined {
  const isRead =
    profile === 'auto' ? endpointUrl === undefined || URL.canParse(endpointUrl) : dialectNames.includes(profile)
  return isRead ? dialectOf(profile, endpointUrl) : undefined
}

/** Every variable that `readConfig` reads. */
export const variableNames: readonly string[] = Object.keys(EnvironmentSchema.shape)

export interface S3Settings {
  readonly endpointUrl: string | undefined
  readonly region: string
  readonly bucket: string
  readonly prefix: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  readonly forcePathStyle: boolean
  readonly profile: DialectName | 'auto'
  /** Whether links to objects may be the store's own: `auto` where browsers are known to reach it. */
  readonly presign: 'auto' | 'always' | 'never'
}

/** Amazon's own endpoint, which is the default, is none of these. */
const needsEndpoint: ReadonlySet<string> = new Set(['runpod', 'r2', 'minio', 'ceph', 'b2', 'gcs'])

export interface Config {
  readonly port: number
  readonly host: string
  readonly publicUrl: string | undefined
  readonly store: 'folder' | 's3' | 'memory' | 'r2'
  readonly dataDir: string
  readonly prefix: string
  readonly s3: S3Settings | undefined
  readonly stateS3: S3Settings | undefined
  readonly stateCas: 'auto' | 'require'
  readonly apiTokens: readonly ApiToken[]
  readonly linkSecrets: readonly LinkSecretSetting[]
  readonly corsOrigins: readonly string[]
  readonly dashboard: 'off' | 'trusted-network'
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly limits: Limits
  /** Limits of the guard around the store, where the operator has set them. */
  readonly storeSettings: Partial<ResilienceSettings>
}

/** Every limit of a request, in its unit. */
export interface Limits {
  readonly maxFileBytes: number
  readonly maxFilesPerRequest: number
  readonly maxUploadBytes: number
  readonly maxExportEntries: number
  readonly maxExportBytes: number
  readonly minImageSidePx: number
  readonly maxImageSidePx: number
  readonly uploadWindowBytes: number
}

export class InvalidConfig extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the environment is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Reads the environment once. Empty values count as unset. Throws `InvalidConfig` with every problem, secrets never quoted. */
export function readConfig(environment: Readonly<Record<string, unknown>>): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => typeof value === 'string' && value.trim() !== ''),
  )
  const read = EnvironmentSchema.safeParse(given)
  if (!read.success) {
    throw new InvalidConfig(read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
  }
  const env = read.data
  const store = env.STORE ?? (env.S3_BUCKET === undefined ? 'folder' : 's3')
  return Object.freeze({
    port: env.PORT,
    host: env.HOST,
    publicUrl: env.PUBLIC_URL,
    store,
    dataDir: env.DATA_DIR,
    prefix: env.S3_PREFIX,
    s3:
      store !== 's3'
        ? undefined
        : {
            endpointUrl: env.S3_ENDPOINT_URL,
            region: env.S3_REGION ?? runPodRegion(env.S3_ENDPOINT_URL) ?? 'us-east-1',
            bucket: env.S3_BUCKET ?? '',
            prefix: env.S3_PREFIX,
            accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
            secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
            sessionToken: env.AWS_SESSION_TOKEN,
            forcePathStyle: env.S3_FORCE_PATH_STYLE ?? env.S3_ENDPOINT_URL !== undefined,
            profile: env.S3_PROFILE,
            presign: env.S3_PRESIGN,
          },
    stateS3:
      env.STATE_S3_BUCKET === undefined
        ? undefined
        : {
            endpointUrl: env.STATE_S3_ENDPOINT_URL,
            region: env.STATE_S3_REGION ?? runPodRegion(env.STATE_S3_ENDPOINT_URL) ?? 'us-east-1',
            bucket: env.STATE_S3_BUCKET,
            prefix: env.S3_PREFIX,
            accessKeyId: env.STATE_S3_ACCESS_KEY_ID ?? '',
            secretAccessKey: env.STATE_S3_SECRET_ACCESS_KEY ?? '',
            sessionToken: undefined,
            forcePathStyle: env.STATE_S3_ENDPOINT_URL !== undefined,
            profile: env.STATE_S3_PROFILE,
            presign: 'never' as const,
          },
    stateCas: env.STATE_CAS,
    apiTokens: env.API_TOKENS,
    linkSecrets: env.LINK_SECRETS,
    corsOrigins: env.CORS_ORIGINS,
    dashboard: env.DASHBOARD ?? (env.API_TOKENS.length === 0 ? 'trusted-network' : 'off'),
    logLevel: env.LOG_LEVEL,
    limits: {
      maxFileBytes: env.MAX_FILE_BYTES,
      maxFilesPerRequest: env.MAX_FILES_PER_REQUEST,
      maxUploadBytes: env.MAX_UPLOAD_BYTES,
      maxExportEntries: env.MAX_EXPORT_ENTRIES,
      maxExportBytes: env.MAX_EXPORT_BYTES,
      minImageSidePx: env.MIN_IMAGE_SIDE_PX,
      maxImageSidePx: env.MAX_IMAGE_SIDE_PX,
      uploadWindowBytes: env.UPLOAD_WINDOW_BYTES,
    },
    storeSettings: storeSettings(env),
  })
}

/** Names that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
