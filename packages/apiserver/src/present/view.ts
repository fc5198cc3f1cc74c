import type { Database, Stored } from '../database.ts'
import type { AnyObject } from '../objects/object.ts'
import { encodeJson } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'

/** One object as a served version shows it, in whichever form is at hand; the other is made on demand. */
export class View {
  #bytes: Uint8Array | undefined
  #object: AnyObject | undefined
  readonly #database: Database | undefined
  readonly #served: ServedResource | undefined
  readonly #stored: Stored | undefined

  private constructor(source: { object: AnyObject } | { database: Database; served: ServedResource; stored: Stored }) {
    if ('object' in source) {
      this.#object = source.object
    } else {
      this.#database = source.database
      this.#served = source.served
      this.#stored = source.stored
    }
  }

  static ofObject(object: AnyObject): View {
    return new View({ object })
  }

  static ofStored(database: Database, served: ServedResource, stored: Stored): View {
    return new View({ database, served, stored })
  }

  /** Bytes it is stored as; 0 when it is not stored. */
  get storedBytes(): number {
    return this.#stored?.value.length ?? 0
  }

  get object(): AnyObject {
    this.#object ??= this.#database!.objectAs(this.#served!, this.#stored!)
    return this.#object
  }

  /** JSON. */
  get bytes(): Uint8Array {
    this.#bytes ??=
      this.#stored === undefined ? encodeJson(this.#object) : this.#database!.bytesAs(this.#served!, this.#stored)
    return this.#bytes
  }
}
