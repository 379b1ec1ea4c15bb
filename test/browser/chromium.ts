import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Browser } from 'puppeteer-core'
import type { TestContext } from 'vitest'
import { installed, pathOf } from '../domain/export/programs.ts'

export interface DownloadProgress {
  /** As the browser shows it; 0 when it does not know. */
  readonly totalBytes: number
  readonly receivedBytes: number
  /** `canceled` also when the connection broke. */
  readonly state: 'inProgress' | 'completed' | 'canceled'
}

export interface Download {
  readonly url: string
  /** What the browser would call the file. */
  readonly suggestedFilename: string
  /** Where the file lies when it is completed. */
  readonly path: string
  /** All that the browser said of it so far, in order. */
  readonly events: readonly DownloadProgress[]
  /** The first event that `holds`, of the past or the future. */
  until(holds: (progress: DownloadProgress) => boolean): Promise<DownloadProgress>
  /** The first end: completed or canceled. Of what is resumed by hand afterwards the browser tells nothing. */
  ended(): Promise<DownloadProgress>
}

export interface Chromium {
  readonly browser: Browser
  /** All downloads so far, in order. */
  readonly downloads: readonly Download[]
  /** The next download that begins after this call: ask before the click. */
  nextDownload(): Promise<Download>
  /** Ends the browser and removes its files, downloads too. */
  close(): Promise<void>
}

/**
 * A browser without a window, with an empty profile, that keeps what it downloads. Takes a second or two. Where none is
 * installed the test is skipped.
 */
export async function openChromium(ctx: TestContext): Promise<Chromium> {
  const executablePath = pathOf(installed(ctx, 'chromium')) ?? ''
  const folder = await mkdtemp(join(tmpdir(), 'chromium-'))
  // Root has no sandbox to be in; /dev/shm is small in containers.
  const browser = await puppeteer.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    // What a user's browser blocks is blocked here.
    ignoreDefaultArgs: ['--disable-popup-blocking'],
  })
  const downloads: WatchedDownload[] = []
  const waiting: ((download: Download) => void)[] = []

  const session = await browser.target().createCDPSession()
  session.on('Browser.downloadWillBegin', ({ guid, url, suggestedFilename }) => {
    const download = watchDownload({ guid, url, suggestedFilename, path: join(folder, guid) })
    downloads.push(download)
    for (const resolve of waiting.splice(0)) resolve(download)
  })
  session.on('Browser.downloadProgress', ({ guid, ...progress }) => {
    downloads.find((one) => one.guid === guid)?.add(progress)
  })
  await session.send('Browser.setDownloadBehavior', {
    behavior: 'allowAndName',
    downloadPath: folder,
    eventsEnabled: true,
  })

  return {
    browser,
    downloads,
    nextDownload: () => new Promise((resolve) => waiting.push(resolve)),
    async close() {
      await browser.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface WatchedDownload extends Download {
  readonly guid: string
  add(progress: DownloadProgress): void
}

function watchDownload(facts: Pick<WatchedDownload, 'guid' | 'url' | 'suggestedFilename' | 'path'>): WatchedDownload {
  const events: DownloadProgress[] = []
  const listeners = new Set<(progress: DownloadProgress) => void>()
  const until: Download['until'] = (holds) =>
    new Promise((resolve) => {
      const past = events.find(holds)
      if (past !== undefined) return resolve(past)
      const look = (progress: DownloadProgress) => {
        if (!holds(progress)) return
        listeners.delete(look)
        resolve(progress)
      }
      listeners.add(look)
    })
  return {
    ...facts,
    events,
    until,
    ended: () => until(({ state }) => state !== 'inProgress'),
    add({ totalBytes, receivedBytes, state }) {
      const progress = { totalBytes, receivedBytes, state }
      events.push(progress)
      for (const listener of listeners) listener(progress)
    },
  }
}
