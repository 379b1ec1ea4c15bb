import * as z from 'zod'
import { datasetName } from '../../../domain/dataset/dataset-name.ts'
import { deleteDataset } from '../../../domain/dataset/delete-dataset.ts'
import { listDatasets } from '../../../domain/dataset/list-datasets.ts'
import { readDataset } from '../../../domain/dataset/read-dataset.ts'
import type { ReceiveFormDeps } from '../../../domain/dataset/receive-form.ts'
import { isKept, type UploadReport } from '../../../domain/dataset/upload-report.ts'
import { uploadTrainingFiles } from '../../../domain/dataset/upload-training-files.ts'
import type { AppContext } from '../context.ts'
import { documentAnswer } from '../document.ts'
import { formOf, type ReadForm } from '../form-body.ts'
import { problemOf } from '../problem.ts'
import { type Route, route } from '../route.ts'
import {
  DatasetSchema,
  datasetJson,
  RefusedReportSchema,
  UploadReportSchema,
  uploadReportJson,
} from '../schemas/dataset.ts'
import { pageQuery, parsed, problemResponse } from '../schemas/fields.ts'

export interface DatasetRouteDeps extends ReceiveFormDeps {
  readonly readForm: ReadForm
}

const nameParams = z.object({ dataset: parsed(datasetName) })

export function datasetRoutes(deps: DatasetRouteDeps): Route[] {
  const { store } = deps

  const upload = route(
    {
      method: 'post',
      path: '/v1/datasets/{dataset}/files',
      operationId: 'uploadTrainingFiles',
      tag: 'datasets',
      summary: 'Upload any number of training files in one form',
      description:
        'File parts under any field name, in any order with the fields `triggerWord` and `mode` (`merge`, or `replace`: what this request did not bring is removed once everything it brought is safe).',
      scope: 'write',
      params: nameParams,
      body: 'multipart/form-data',
      responses: {
        200: { description: 'every file is in the dataset', json: UploadReportSchema },
        207: { description: 'some files are not', json: UploadReportSchema },
        400: problemResponse,
        422: { description: 'problem+json', json: RefusedReportSchema },
      },
    },
    async (c, { params }) => {
      const report = await uploadTrainingFiles(deps, params.dataset, formOf(c, deps.readForm), { signal: c.var.signal })
      return reportAnswer(c, report)
    },
  )

  const list = route(
    {
      method: 'get',
      path: '/v1/datasets',
      operationId: 'listDatasets',
      tag: 'datasets',
      summary: 'List datasets',
      scope: 'read',
      query: z.object(pageQuery),
      responses: {
        200: {
          description: 'one page',
          json: z.object({ datasets: z.array(z.object({ name: z.string() })), nextCursor: z.string().nullable() }),
        },
      },
    },
    async (c, { query }) => {
      const { names, nextCursor } = await listDatasets(store, { ...query, cursor: query.cursor, signal: c.var.signal })
      return c.json({ datasets: names.map((name) => ({ name })), nextCursor: nextCursor ?? null })
    },
  )

  const read = route(
    {
      method: 'get',
      path: '/v1/datasets/{dataset}',
      operationId: 'getDataset',
      tag: 'datasets',
      summary: 'The files of a dataset, images with their captions',
      scope: 'read',
      params: nameParams,
      responses: { 200: { description: 'the dataset', json: DatasetSchema }, 404: problemResponse },
    },
    async (c, { params }) =>
      documentAnswer(c, deps.digests, datasetJson(await readDataset(store, params.dataset, { signal: c.var.signal }))),
  )

  const remove = route(
    {
      method: 'delete',
      path: '/v1/datasets/{dataset}',
      operationId: 'deleteDataset',
      tag: 'datasets',
      summary: 'Delete a dataset with all its files',
      scope: 'write',
      params: nameParams,
      responses: { 204: { description: 'gone, or never was' } },
    },
    async (c, { params }) => {
      await deleteDataset(store, params.dataset, { signal: c.var.signal })
      return c.body(null, 204)
    },
  )

  return [upload, list, read, remove]
}

function reportAnswer(c: AppContext, report: UploadReport): Response {
  const kept = report.files.filter(isKept).length
  const json = uploadReportJson(report)
  if (kept === report.files.length && kept > 0) return c.json(json)
  if (kept > 0) return c.json(json, 207)
  const detail = report.files.length === 0 ? 'the form has no files' : 'not one of the files could be stored'
  return c.json({ ...problemOf('unprocessable', detail, c.var.requestId), ...json }, 422, {
    'Content-Type': 'application/problem+json',
  })
}
