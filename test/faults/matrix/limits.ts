import { defaultSettings } from '../../../src/adapters/resilience/settings.ts'

/** Not scaled. */
export const { retriesMax } = defaultSettings
