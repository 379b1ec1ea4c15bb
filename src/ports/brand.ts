declare const brand: unique symbol

/** A value that was checked once, where it entered. Only the function that checks may cast to it. */
export type Brand<Value, Name extends string> = Value & { readonly [brand]: Name }
