/** A tree that breaks one rule of `.dependency-cruiser.mjs`. */
export interface Violation {
  readonly rule: string
  readonly what: string
  readonly modules: Readonly<Record<string, string>>
  /** What the entry imports, if not all. */
  readonly imported?: readonly string[]
}

export const nothing = 'export {}\n'

export const violations: readonly Violation[] = [
  {
    rule: 'no-cycles',
    what: 'two modules that need each other',
    modules: { 'src/domain/a.ts': "import './b.ts'\n", 'src/domain/b.ts': "import './a.ts'\n" },
  },
  {
    rule: 'no-cycles',
    what: 'a cycle of types alone',
    modules: {
      'src/domain/a.ts': "import type { B } from './b.ts'\nexport type A = B | 1\n",
      'src/domain/b.ts': "import type { A } from './a.ts'\nexport type B = A[]\n",
    },
  },
  {
    rule: 'ports-import-nothing',
    what: 'a port that imports the domain',
    modules: { 'src/ports/x.ts': "import '../domain/y.ts'\n", 'src/domain/y.ts': nothing },
  },
  {
    rule: 'ports-import-nothing',
    what: 'a port that names a type of a package',
    modules: { 'src/ports/x.ts': "import type { ZodType } from 'zod'\nexport type X = ZodType\n" },
  },
  {
    rule: 'ports-import-nothing',
    what: 'a port that imports Node',
    modules: { 'src/ports/x.ts': "import 'node:fs'\n" },
  },
  {
    rule: 'domain-imports-domain-and-ports',
    what: 'a use case that imports Node',
    modules: { 'src/domain/x.ts': "import 'node:fs'\n" },
  },
  {
    rule: 'domain-imports-domain-and-ports',
    what: 'a use case that imports a package',
    modules: { 'src/domain/x.ts': "import { crc32 } from 'fflate'\nexport const x = crc32\n" },
  },
  {
    rule: 'domain-imports-domain-and-ports',
    what: 'a use case that names the type of an adapter',
    modules: {
      'src/domain/x.ts': "import type { Y } from '../adapters/memory/y.ts'\nexport type X = Y\n",
      'src/adapters/memory/y.ts': 'export type Y = 1\n',
    },
  },
  {
    rule: 'domain-imports-domain-and-ports',
    what: 'a use case that imports HTTP',
    modules: { 'src/domain/x.ts': "import '../app/http/y.ts'\n", 'src/app/http/y.ts': nothing },
  },
  {
    rule: 'adapters-import-ports',
    what: 'an adapter that imports another',
    modules: { 'src/adapters/s3/x.ts': "import '../r2/y.ts'\n", 'src/adapters/r2/y.ts': nothing },
  },
  {
    rule: 'adapters-import-ports',
    what: 'an adapter whose name begins like that of another',
    modules: { 'src/adapters/s3/x.ts': "import '../s3-compatible/y.ts'\n", 'src/adapters/s3-compatible/y.ts': nothing },
  },
  {
    rule: 'adapters-import-ports',
    what: 'an adapter that imports the domain',
    modules: { 'src/adapters/memory/x.ts': "import '../../domain/y.ts'\n", 'src/domain/y.ts': nothing },
  },
  {
    rule: 'adapters-import-ports',
    what: 'an adapter that names a type of the app',
    modules: {
      'src/adapters/memory/x.ts': "import type { Y } from '../../app/y.ts'\nexport type X = Y\n",
      'src/app/y.ts': 'export type Y = 1\n',
    },
  },
  {
    rule: 'container-only-in-composition',
    what: 'a route that asks a container',
    modules: { 'src/app/http/x.ts': "import 'tsyringe'\n" },
  },
  {
    rule: 'container-only-in-composition',
    what: 'reflection in the entry',
    modules: { 'src/app/x.ts': "import 'reflect-metadata'\n" },
  },
  {
    rule: 'node-only-at-the-edge',
    what: 'a route that imports Node',
    modules: { 'src/app/http/x.ts': "import 'node:fs'\n" },
  },
  {
    rule: 'node-only-at-the-edge',
    what: 'Node without its prefix',
    modules: { 'src/adapters/memory/x.ts': "import 'crypto'\n" },
  },
  {
    rule: 'node-only-at-the-edge',
    what: 'Node by another way',
    modules: { 'src/app/x.ts': "export const fs = process.getBuiltinModule('node:fs')\n" },
  },
  {
    rule: 'hono-only-in-http',
    what: 'the configuration importing hono',
    modules: { 'src/app/config.ts': "import type { Context } from 'hono'\nexport type X = Context\n" },
  },
  {
    rule: 'hono-only-in-http',
    what: 'an adapter importing a package of @hono',
    modules: { 'src/adapters/memory/x.ts': "import '@hono/node-server'\n" },
  },
  {
    rule: 'aws-only-in-s3',
    what: 'the SDK in the app',
    modules: { 'src/app/x.ts': "import type { S3Client } from '@aws-sdk/client-s3'\nexport type X = S3Client\n" },
  },
  {
    rule: 'aws-only-in-s3',
    what: 'a part of the SDK in another adapter',
    modules: { 'src/adapters/r2/x.ts': "import '@smithy/fetch-http-handler'\n" },
  },
  {
    rule: 'cockatiel-only-in-resilience',
    what: 'retries of an adapter itself',
    modules: { 'src/adapters/s3/x.ts': "export const load = () => import('cockatiel')\n" },
  },
  {
    rule: 'prom-client-only-in-its-adapter',
    what: 'the app that counts by itself',
    modules: { 'src/app/x.ts': "export const load = () => import('prom-client')\n" },
  },
  {
    rule: 'zod-only-in-app',
    what: 'an adapter that parses by schema',
    modules: { 'src/adapters/js-yaml/x.ts': "import * as z from 'zod'\nexport const x = z\n" },
  },
  {
    rule: 'no-orphans',
    what: 'a module alone',
    modules: { 'src/domain/x.ts': nothing },
    imported: [],
  },
  {
    rule: 'no-orphans',
    what: 'modules that know each other while no entry knows them',
    modules: { 'src/domain/x.ts': "import './y.ts'\n", 'src/domain/y.ts': nothing },
    imported: [],
  },
  {
    rule: 'src-never-imports-test',
    what: 'the app importing a test',
    modules: { 'src/app/x.ts': "import '../../test/y.ts'\n", 'test/y.ts': nothing },
    imported: ['src/app/x.ts'],
  },
  {
    rule: 'src-never-imports-test',
    what: 'an adapter importing a script',
    modules: { 'src/adapters/memory/x.ts': "import '../../../scripts/y.ts'\n", 'scripts/y.ts': nothing },
    imported: ['src/adapters/memory/x.ts'],
  },
  {
    rule: 'no-dev-packages',
    what: 'a package that only tests have',
    modules: { 'src/adapters/memory/x.ts': "import 'image-size'\n" },
  },
  {
    rule: 'no-dev-packages',
    what: 'a package that came along with another',
    modules: { 'src/app/x.ts': "import 'semver'\n" },
  },
]
