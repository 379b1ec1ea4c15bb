import type { Context } from 'hono'
import type { Scope } from '../config-values.ts'

export interface AppEnv {
  Variables: {
    requestId: string
    /** What the caller may do; everything while no tokens are configured. */
    scopes: readonly Scope[]
    /** One for the whole request; aborted when the client leaves. */
    signal: AbortSignal
  }
}

export type AppContext = Context<AppEnv>
