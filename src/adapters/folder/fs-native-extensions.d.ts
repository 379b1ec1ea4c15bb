/** The part of the package that we use; it brings no types. */
declare module 'fs-native-extensions' {
  /** Locks the whole file for this open file description without waiting; false when another one holds it. */
  export function tryLock(fd: number): boolean
}
