// What may import what; see docs/architecture.md. Checked by `npm run boundaries`; type imports count like any other.
// Each violation breaks one rule: domain and ports have one strict rule each, so the rules about packages leave them out.

const inner = '^src/(domain|ports)/'
const entries = '^src/app/(node|worker|doctor|sweep)\\.ts$'

/** The packages of these names, with everything below them. A name that ends with a slash is a scope. */
const packages = (...names) => names.map((name) => `(^|/)node_modules/${name.endsWith('/') ? name : `${name}/`}`)

/** Only these places of `src` may import these packages. */
const onlyIn = (name, comment, places, imported) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: [inner, ...places] },
  to: { path: packages(...imported) },
})

// biome-ignore lint/style/noDefaultExport: dependency-cruiser reads its configuration from there
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Modules that need each other are one concept, or one of them asks for too much: move what both need.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'ports-import-nothing',
      comment: 'A port is a promise in its own words: no code of ours, no package and nothing of Node may shape it.',
      severity: 'error',
      from: { path: '^src/ports/' },
      to: { pathNot: '^src/ports/' },
    },
    {
      name: 'domain-imports-domain-and-ports',
      comment: 'The domain decides and asks ports for the rest: packages, Node, adapters and HTTP stay outside.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: inner },
    },
    {
      name: 'adapters-import-ports',
      comment: 'An adapter knows its product and the ports. What two adapters share belongs to a port or to neither.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/', pathNot: ['^src/ports/', '^src/adapters/$1/'] },
    },
    onlyIn(
      'container-only-in-composition',
      'What is injected leaves the composition as plain functions: nobody else asks a container.',
      ['^src/app/composition\\.ts$'],
      ['tsyringe', 'reflect-metadata'],
    ),
    {
      name: 'node-only-at-the-edge',
      comment:
        'The same source runs on Workers: only the Node entries, what lies beside them, and the adapters of Node itself use its modules.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          inner,
          '^src/app/(node|doctor)\\.ts$',
          '^src/app/node/',
          '^src/adapters/(folder|node-crypto|node-http)/',
        ],
      },
      to: { dependencyTypes: ['core'] },
    },
    onlyIn(
      'hono-only-in-http',
      'HTTP ends at src/app/http: use cases and adapters know no request.',
      ['^src/app/http/', '^src/app/(composition|node|worker)\\.ts$'],
      ['hono', '@hono/'],
    ),
    onlyIn(
      'aws-only-in-s3',
      'One place translates between the SDK and the port.',
      ['^src/adapters/s3/'],
      ['@aws-sdk/', '@smithy/'],
    ),
    onlyIn(
      'cockatiel-only-in-resilience',
      'Retries, timeouts and breakers are one decorator, so that no call is retried twice.',
      ['^src/adapters/resilience/'],
      ['cockatiel'],
    ),
    onlyIn(
      'prom-client-only-in-its-adapter',
      'It reads the process it runs in, so only the Node entry may bring it in: Workers have none.',
      ['^src/adapters/prom-client/'],
      ['prom-client'],
    ),
    onlyIn(
      'zod-only-in-app',
      'What comes from outside is parsed once, at the door; behind it values are trusted.',
      ['^src/app/'],
      ['zod'],
    ),
    {
      name: 'no-orphans',
      comment: 'What no entry reaches is dead: wire it up or remove it.',
      severity: 'error',
      from: { path: entries },
      to: { path: '^src/', pathNot: [entries, '\\.d\\.ts$'], reachable: false },
    },
    {
      name: 'src-never-imports-test',
      comment: 'The service runs without test, bench and scripts: they are not in its image.',
      severity: 'error',
      from: { path: '^src/', pathNot: inner },
      to: { dependencyTypes: ['local'], pathNot: ['^src/', '^package\\.json$'] },
    },
    {
      name: 'no-dev-packages',
      comment: 'An installation without dev dependencies runs the service: only types may come from them.',
      severity: 'error',
      from: { path: '^src/', pathNot: inner },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional', 'npm-peer'],
        dependencyTypesNot: ['type-only', 'type-import'],
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    doNotFollow: { path: 'node_modules' },
    skipAnalysisNotInRules: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
