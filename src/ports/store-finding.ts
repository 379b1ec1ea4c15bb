import type { CallOptions, StoreCapabilities } from './object-store.ts'

/** One thing that was found out about a store, in words for its operator. Never holds a secret. */
export interface StoreFinding {
  readonly check: string
  /**
   * `works`: as the service needs it. `missing`: the store cannot, the service stays right, and `instead` says what it does.
   * `broken`: the service is wrong or unusable with it, and `fix` says what to change.
   */
  readonly verdict: 'works' | 'missing' | 'broken'
  readonly detail: string
  readonly instead?: string
  /** Always with `broken`. With the others it is a warning: nothing fails, and an operator should look at it. */
  readonly fix?: string
}

/** One family of trials. Independent of the others; leaves nothing open behind it, whatever happens. */
export interface StoreExamination {
  /** What is reported as `check` when it cannot be carried out. */
  readonly check: string
  /** Whether nothing else is worth asking when this is broken. */
  readonly decisive?: boolean
  /** Throws what the store threw where that is no answer. Writes below `.probe/{nonce}/` only. */
  examine(options: CallOptions): Promise<readonly StoreFinding[]>
}

/** What only the adapter of a product can find out about its store. */
export interface StoreExaminer {
  /** Whether the store can be spoken to. Comes before all others. */
  readonly access: readonly StoreExamination[]
  /** What the port cannot ask for. */
  readonly beyondPort: readonly StoreExamination[]
  /** What to change, by the code of the error, where this kind of store needs other advice than a server. */
  readonly fixes?: Readonly<Record<string, string>>
  /** How the store shows that it lacks `capability`, or `undefined` where nothing is known. The first call may ask the store. */
  whyMissing(capability: keyof StoreCapabilities, options: CallOptions): Promise<string | undefined>
}
