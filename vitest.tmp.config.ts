import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [
    cloudflareTest({
      main: './test/workers/guarded.worker.ts', miniflare: { compatibilityDate: '2026-11-01', compatibilityFlags: ['nodejs_compat'], r2Buckets: ['BUCKET'] },
    }),
  ],
  resolve: { alias: { '@aws-sdk/xml-builder': new URL('node_modules/@aws-sdk/xml-builder/dist-cjs/index.js', import.meta.url).pathname } },
  test: {
    include: ['test/workers/guarded.test.ts'],
    globalSetup: ['test/workers/s3rver-setup.ts'],
    testTimeout: 60_000,
  },
})
