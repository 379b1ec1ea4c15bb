import type { ObjectKey } from '../../ports/object-key.ts'
import type { CallOptions, ETag, ObjectStore } from '../../ports/object-store.ts'
import { NotFound } from '../errors.ts'
import { everyObject } from '../object/list-objects.ts'
import { type PairWarning, pairCaptions } from './caption-pairs.ts'
import { datasetPrefix, readDatasetInfo } from './dataset-info.ts'
import type { DatasetName } from './dataset-name.ts'
import { type FileKind, fileKind } from './file-kind.ts'

export interface DatasetFile {
  readonly name: string
  /** `other` for files that were put there by other means than the batch upload. */
  readonly kind: FileKind | 'other'
  readonly key: ObjectKey
  readonly sizeBytes: number
  readonly etag: ETag
  readonly lastModified: Date
  /** Of an image: the name of the file with its caption. */
  readonly caption: string | undefined
}

export interface Dataset {
  readonly name: DatasetName
  readonly triggerWord: string | null
  /** In key order. */
  readonly files: readonly DatasetFile[]
  readonly totals: {
    readonly files: number
    readonly images: number
    readonly captions: number
    readonly bytes: number
  }
  readonly warnings: readonly PairWarning[]
}

/** Costs one LIST per 1,000 files and one GET. Throws `NotFound` for a dataset without files. */
export async function readDataset(store: ObjectStore, name: DatasetName, { signal }: CallOptions): Promise<Dataset> {
  const prefix = datasetPrefix(name)
  const [info, listed] = await Promise.all([
    readDatasetInfo(store, name, { signal }),
    Array.fromAsync(everyObject(store, prefix, { signal })),
  ])
  if (listed.length === 0) throw new NotFound('no such dataset')
  const pairs = pairCaptions(listed.map(({ key }) => key.slice(prefix.length)))
  const files = listed.map(({ key, sizeBytes, etag, lastModified }): DatasetFile => {
    const file = key.slice(prefix.length)
    return {
      name: file,
      kind: fileKind(file) ?? 'other',
      key,
      sizeBytes,
      etag,
      lastModified,
      caption: pairs.captionOf.get(file),
    }
  })
  return {
    name,
    triggerWord: info?.triggerWord ?? null,
    files,
    totals: {
      files: files.length,
      images: files.filter(({ kind }) => kind === 'image').length,
      captions: files.filter(({ kind }) => kind === 'caption').length,
      bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    },
    warnings: pairs.warnings,
  }
}
