import manifest from '../../package.json' with { type: 'json' }

/** What `npm start` gives to `node`: its flags, and the script. */
export const npmStartArgs: readonly string[] = manifest.scripts.start.split(' ').slice(1)
