import { type Child, startChild } from './child.ts'
import { serviceArgs } from './service-args.ts'

/** The service on a free port, with nothing set but `env`. */
export const startNode = (env: Readonly<Record<string, string>>): Promise<Child> =>
  startChild(serviceArgs, { ready: /listens on (http\S+)/, env: { PORT: '0', LOG_LEVEL: 'error', ...env } })
