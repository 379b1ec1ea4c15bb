import { type Child, startChild } from './child.ts'
import { compileCache } from './compile-cache.ts'
import { npmStartArgs } from './npm-start.ts'

/** The service on a free port, with nothing set but `env`. */
export const startNode = (env: Readonly<Record<string, string>>): Promise<Child> =>
  startChild(npmStartArgs, {
    ready: /listens on (http\S+)/,
    env: { ...compileCache, PORT: '0', LOG_LEVEL: 'error', ...env },
  })
