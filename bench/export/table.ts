import type { Sample } from './measure.ts'

export interface Row {
  readonly name: string
  readonly samples: readonly Sample[]
  /** Of the process, before its first delivery. */
  readonly idleBytes?: number
}

const MiB = 2 ** 20
const headers = [
  ...['', 'MB/s (min … max)', 'files/s', 'ours is', 'with POST', 'CPU s/GB', 'peak RSS, MiB', 'above idle'],
  ...['first byte, ms', 'POST, s', 'exact length'],
]

/** Markdown, medians of the samples. The first row is ours, to which the others are compared. */
export function printRows(rows: readonly Row[]): void {
  console.log(`| ${headers.join(' | ')} |\n|---|${'---:|'.repeat(headers.length - 1)}`)
  const [first] = rows
  for (const row of rows) console.log(`| ${cellsOf(row, first ?? row).join(' | ')} |`)
}

function cellsOf({ name, samples, idleBytes }: Row, ours: Row): string[] {
  const rates = samples.map(bytesPerSecond)
  const peakBytes = Math.max(...samples.map((sample) => sample.peakBytes))
  const lengths = samples.every(({ delivery }) => delivery.contentLength !== undefined)
  const hasProcess = idleBytes !== undefined
  return [
    name,
    `${megabytes(median(rates))} (${megabytes(Math.min(...rates))} … ${megabytes(Math.max(...rates))})`,
    filesRate(median(samples.map(filesPerSecond))),
    times(median(ours.samples.map(bytesPerSecond)) / median(rates)),
    times(median(ours.samples.map(bytesPerSecondInAll)) / median(samples.map(bytesPerSecondInAll))),
    hasProcess ? median(samples.map(cpuSecondsPerGigabyte)).toFixed(2) : '',
    hasProcess ? (peakBytes / MiB).toFixed(0) : '',
    hasProcess ? ((peakBytes - idleBytes) / MiB).toFixed(0) : '',
    median(samples.map(({ delivery }) => delivery.firstByteMs)).toFixed(0),
    samples.some(({ prepareMs }) => prepareMs > 0)
      ? (median(samples.map(({ prepareMs }) => prepareMs)) / 1000).toFixed(2)
      : '',
    hasProcess ? (lengths ? 'yes' : 'no') : '',
  ]
}

const sizeBytes = ({ dataset }: Sample) => dataset.files * dataset.fileBytes
const bytesPerSecond = (sample: Sample) => (sizeBytes(sample) / sample.delivery.wallMs) * 1000
const bytesPerSecondInAll = (sample: Sample) => (sizeBytes(sample) / (sample.delivery.wallMs + sample.prepareMs)) * 1000
const filesPerSecond = ({ dataset, delivery }: Sample) => (dataset.files / delivery.wallMs) * 1000
const cpuSecondsPerGigabyte = (sample: Sample) => sample.cpuSeconds / (sizeBytes(sample) / 1e9)

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)
const filesRate = (rate: number) => (rate < 10 ? rate.toFixed(1) : rate.toFixed(0))
const times = (ratio: number) => `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
