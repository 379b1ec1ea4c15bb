import { type Child, startChild } from './child.ts'

/** The service on a free port, with nothing set but `env`. */
export const startNode = (env: Readonly<Record<string, string>>): Promise<Child> =>
  startChild(['src/app/node.ts'], { ready: /listens on (http\S+)/, env: { PORT: '0', LOG_LEVEL: 'error', ...env } })
