import { createFolderExaminer } from '../../adapters/folder/examiner.ts'
import { dialectOf } from '../../adapters/s3/dialect.ts'
import { createS3Examiner } from '../../adapters/s3/examiner.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Ids } from '../../ports/ids.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { StoreExaminer } from '../../ports/store-finding.ts'
import type { Config, S3Settings } from '../config.ts'
import { folderPlaces, openNodeS3, openNodeStore } from '../node-store.ts'
import { s3Client } from '../s3-store.ts'

/** A store that the configuration names, open and bare, with all that is needed to examine it. */
export interface Patient {
  /** What the service keeps there. */
  readonly holds: 'everything' | 'objects' | 'process state'
  /** For the operator's eyes: where it is. Holds no secret. */
  readonly place: string
  readonly store: ObjectStore
  readonly examiner: StoreExaminer | undefined
  readonly nonce: string
  /** Whether links to it may be its own. */
  readonly browsersReachStore: boolean
}

/** The stores of `config`, each once. Throws `InvalidConfig` for one that Node cannot open. Nothing is sent yet. */
export function patientsOf(config: Config, world: { ids: Ids; clock: Clock }): Patient[] {
  const opened = openNodeStore(config, world)
  const nonce = world.ids.next()
  const objects: Patient = {
    holds: config.stateS3 === undefined ? 'everything' : 'objects',
    place: placeOf(config),
    store: opened.store,
    examiner: examinerOf(config, { ...world, nonce }),
    nonce,
    browsersReachStore: opened.links !== undefined,
  }
  if (config.stateS3 === undefined) return [objects]
  const stateNonce = world.ids.next()
  const state: Patient = {
    holds: 'process state',
    place: bucketPlace(config.stateS3),
    store: openNodeS3(config.stateS3, world).store,
    examiner: s3Examiner(config.stateS3, config, { ...world, nonce: stateNonce }),
    nonce: stateNonce,
    browsersReachStore: false,
  }
  return [objects, state]
}

function placeOf(config: Config): string {
  if (config.s3 !== undefined) return bucketPlace(config.s3)
  return config.store === 'folder' ? `folder ${folderPlaces(config).root}` : 'memory'
}

const bucketPlace = ({ bucket, prefix, endpointUrl, region }: S3Settings) =>
  `bucket ${bucket} at ${endpointUrl ?? `AWS ${region}`}, prefix ${prefix}`

interface ExaminerWorld {
  readonly clock: Clock
  readonly nonce: string
}

function examinerOf(config: Config, world: ExaminerWorld): StoreExaminer | undefined {
  if (config.s3 !== undefined) return s3Examiner(config.s3, config, world)
  return config.store === 'folder' ? createFolderExaminer(folderPlaces(config)) : undefined
}

function s3Examiner(settings: S3Settings, config: Config, { clock, nonce }: ExaminerWorld): StoreExaminer {
  const { bucket, prefix, endpointUrl } = settings
  return createS3Examiner({
    client: s3Client(settings),
    dialect: dialectOf(settings.profile, endpointUrl),
    bucket,
    prefix,
    nonce,
    clock,
    pagesOrigin: config.corsOrigins[0] ?? new URL(config.publicUrl ?? `http://localhost:${config.port}`).origin,
    encrypted: !endpointUrl?.startsWith('http:'),
  })
}
