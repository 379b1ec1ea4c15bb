import * as z from 'zod'
import type { Dataset } from '../../../domain/dataset/read-dataset.ts'
import type { FileReport, UploadReport } from '../../../domain/dataset/upload-report.ts'
import { Crc32Schema, KeySchema, ProblemSchema, Sha256Schema, SizeSchema, TimeSchema } from './fields.ts'

const WarningSchema = z.object({ code: z.string(), file: z.string(), detail: z.string() })

const FileSchema = z.object({
  name: z.string(),
  status: z.enum(['stored', 'unchanged', 'rejected', 'failed']),
  kind: z.enum(['image', 'caption', 'config']).optional(),
  key: KeySchema.optional(),
  size: SizeSchema.optional(),
  etag: z.string().optional(),
  crc32: Crc32Schema.optional(),
  sha256: Sha256Schema.optional(),
  width: z.number().int().optional().meta({ description: 'stored pixels; an EXIF rotation is not applied' }),
  height: z.number().int().optional(),
  problem: z.object({ code: z.string(), detail: z.string() }).optional(),
})

const count = z.number().int().min(0)

export const UploadReportSchema = z.object({
  dataset: z.string(),
  prefix: z.string(),
  triggerWord: z.string().nullable(),
  files: z.array(FileSchema).meta({ description: 'one entry per file, in the order of the request' }),
  totals: z.object({
    files: count,
    stored: count,
    unchanged: count,
    rejected: count,
    failed: count,
    images: count,
    captions: count,
    bytes: count,
  }),
  warnings: z.array(WarningSchema),
})

/** A 422 is a problem and carries the whole report beside it. */
export const RefusedReportSchema = ProblemSchema.extend(UploadReportSchema.shape)

export const DatasetSchema = z.object({
  name: z.string(),
  triggerWord: z.string().nullable(),
  files: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['image', 'caption', 'config', 'other']),
      key: KeySchema,
      size: SizeSchema,
      etag: z.string(),
      lastModified: TimeSchema,
      caption: z.string().optional().meta({ description: 'of an image: the name of its caption file' }),
    }),
  ),
  totals: z.object({ files: count, images: count, captions: count, bytes: count }),
  warnings: z.array(WarningSchema),
})

export function uploadReportJson(report: UploadReport): z.infer<typeof UploadReportSchema> {
  const { dataset, prefix, triggerWord, files, totals, warnings } = report
  return { dataset, prefix, triggerWord, files: files.map(fileJson), totals: { ...totals }, warnings: [...warnings] }
}

function fileJson({ sizeBytes, checksums, problem, ...file }: FileReport): z.infer<typeof FileSchema> {
  return {
    ...file,
    ...(sizeBytes === undefined ? {} : { size: sizeBytes }),
    ...checksums,
    ...(problem === undefined ? {} : { problem: { ...problem } }),
  }
}

export function datasetJson({ name, triggerWord, files, totals, warnings }: Dataset): z.infer<typeof DatasetSchema> {
  return {
    name,
    triggerWord,
    files: files.map(({ sizeBytes, lastModified, caption, ...file }) => ({
      ...file,
      size: sizeBytes,
      lastModified: lastModified.toISOString(),
      ...(caption === undefined ? {} : { caption }),
    })),
    totals: { ...totals },
    warnings: [...warnings],
  }
}
