// A process that reads one URL and prints the body.
import { createObjectFetch } from '../../../src/adapters/node-http/object-fetch.ts'

const { signal } = new AbortController()
const answer = await createObjectFetch()(process.argv[2] ?? '', { method: 'GET', headers: {}, signal })
process.stdout.write(`read ${new TextDecoder().decode(await answer.bytes())}\n`)
