import { apiVersionOf, unknownError, type KubeObject } from '@locktender/kube'
import type { Target } from '../api-path.ts'
import type { Compat } from './compat.ts'
import type { InputDirectory, StoredObjects } from './input-directory.ts'

type Place = Pick<Target, 'group' | 'plural' | 'namespace'>
type Versioned = Place & Pick<Target, 'version'>

/** The objects of an input directory, and what was made of them since. */
export class ManifestStore {
  readonly #input: InputDirectory
  readonly #compat: Pick<Compat, 'listFilesHideSingles'>
  /** Objects by name, by folder; folders are loaded when first asked for. */
  readonly #folders = new Map<string, Map<string, KubeObject>>()
  /** Namespaces, beside those of the directory, in which something was written. */
  readonly #namespaces = new Set<string>()

  constructor(input: InputDirectory, compat: Pick<Compat, 'listFilesHideSingles'>) {
    this.#input = input
    this.#compat = compat
  }

  /** @throws ApiError 500 when the object is stored in another version than asked for */
  get(place: Versioned, name: string): KubeObject | undefined {
    const object = this.#folder(place).get(name)
    if (object !== undefined) checkVersion(object, place)
    return object
  }

  /**
   * All objects of a namespace, or of the whole cluster, by namespace and name.
   * @throws ApiError 500 when one is stored in another version than asked for
   */
  list(place: Versioned): KubeObject[] {
    const namespaces =
      place.namespace === undefined
        ? [undefined, ...new Set([...this.#input.namespaces(), ...this.#namespaces].sort())]
        : [place.namespace]
    const places = namespaces.map((namespace) => ({ ...place, namespace }))
    const hidden = this.#compat.listFilesHideSingles ? this.#listedOnly(places) : undefined
    const objects = hidden ?? places.flatMap((one) => [...this.#folder(one).values()])
    for (const object of objects) checkVersion(object, place)
    return objects
  }

  set(place: Place, object: KubeObject): void {
    this.#folder(place).set(object.metadata.name, object)
    if (place.namespace !== undefined) this.#namespaces.add(place.namespace)
  }

  delete(place: Place, name: string): void {
    this.#folder(place).delete(name)
  }

  /** What list files hold, if there is one at all. */
  #listedOnly(places: readonly Place[]): KubeObject[] | undefined {
    const lists = places.map((place) => this.#load(place).listed)
    return lists.every((list) => list === undefined) ? undefined : lists.flatMap((list) => list ?? [])
  }

  #folder(place: Place): Map<string, KubeObject> {
    const key = JSON.stringify([place.group, place.plural, place.namespace ?? ''])
    let folder = this.#folders.get(key)
    if (folder === undefined) {
      const { listed = [], single } = this.#load(place)
      folder = new Map([...listed, ...single].map((object) => [object.metadata.name, object]))
      this.#folders.set(key, folder)
    }
    return folder
  }

  #load(place: Place): StoredObjects {
    const stored = this.#input.objects(place)
    if (place.group !== '' || place.plural !== 'namespaces' || place.namespace !== undefined) return stored
    return { ...stored, single: [...stored.single, ...this.#input.namespaceObjects()] }
  }
}

function checkVersion(object: KubeObject, { group, version, plural }: Versioned): void {
  const wanted = apiVersionOf({ group, version })
  if (object.apiVersion === wanted) return
  const stored = object.apiVersion === undefined ? 'without an apiVersion' : `as ${object.apiVersion}`
  throw unknownError(
    `${plural} ${JSON.stringify(object.metadata.name)} is stored ${stored} and was asked for as ${wanted}; versions are not converted`,
  )
}
