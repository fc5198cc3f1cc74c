/** The functions of the metadata proposal that the certificate library's dependency injection calls. */
interface MetadataFunctions {
  getMetadata?: (key: unknown, target: object) => unknown
  getOwnMetadata?: (key: unknown, target: object) => unknown
  defineMetadata?: (key: unknown, value: unknown, target: object) => void
}

/**
 * Gives `Reflect` the metadata functions without which tsyringe, a dependency of the certificate library, refuses to
 * load. Does nothing when something else has brought them.
 */
export function provideMetadata(): void {
  const reflect = Reflect as MetadataFunctions
  if (reflect.getMetadata !== undefined) return
  const known = new WeakMap<object, Map<unknown, unknown>>()
  const own = (key: unknown, target: object): unknown => known.get(target)?.get(key)
  reflect.getOwnMetadata = own
  reflect.getMetadata = (key, target) => {
    for (let holder: object | null = target; holder !== null; holder = Object.getPrototypeOf(holder) as object | null) {
      const value = own(key, holder)
      if (value !== undefined) return value
    }
    return undefined
  }
  reflect.defineMetadata = (key, value, target) => {
    let entries = known.get(target)
    if (entries === undefined) known.set(target, (entries = new Map()))
    entries.set(key, value)
  }
}
