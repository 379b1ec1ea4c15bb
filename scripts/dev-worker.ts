// Runs the Worker in workerd on this machine, offline: R2 is simulated, and link secrets are made for this run.
// Arguments are handed on to `wrangler dev`, for example `-- --port 8788 --persist-to /tmp/r2`.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const secret = randomBytes(32).toString('base64')
const wrangler = spawn(
  process.execPath,
  [
    join(root, 'node_modules/wrangler/bin/wrangler.js'),
    'dev',
    ...['--ip', '127.0.0.1', '--inspector-port', '0', '--show-interactive-dev-session=false'],
    ...['--var', `LINK_SECRETS:dev:${secret}`],
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    // Otherwise it asks the network for request data that no test here needs, and reports its use.
    env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' },
  },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => wrangler.kill(signal))
wrangler.once('exit', (code) => process.exit(code ?? 1))
