import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { LongProjectsFirst } from './test/long-projects-first.ts'

const nodeXmlBuilder = fileURLToPath(new URL('node_modules/@aws-sdk/xml-builder/dist-cjs/index.js', import.meta.url))

/** Needs a server that the environment names, so it is there only when it does; see test/s3-server/server.ts. */
const s3Server =
  process.env.S3_TEST_ENDPOINT_URL === undefined
    ? []
    : [
        {
          test: {
            name: 's3-server',
            include: ['test/s3-server/**/*.test.ts'],
            testTimeout: 120_000,
            hookTimeout: 60_000,
          },
        },
      ]

export default defineConfig({
  test: {
    // One more than there are cores where there are two: many tests wait for most of their time.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    sequence: { sequencer: LongProjectsFirst },
    // The service survives it; in tests it runs in their process. See src/app/node/paused-body-end.ts.
    onUnhandledError: (error) => !/assert\(!this\.paused\)/.test(error.message),
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workers/**', 'test/s3-server/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            miniflare: {
              compatibilityDate: '2026-11-01',
              compatibilityFlags: ['nodejs_compat'],
              r2Buckets: ['BUCKET'],
            },
          }),
        ],
        // As in wrangler.toml: the SDK picks a browser's XML parser here, and Workers have none.
        resolve: { alias: { '@aws-sdk/xml-builder': nodeXmlBuilder } },
        test: {
          name: 'workers',
          include: ['test/workers/**/*.test.ts'],
          globalSetup: ['test/workers/s3rver-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      ...s3Server,
    ],
  },
})
