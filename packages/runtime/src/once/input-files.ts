import type { KubeObject } from '@locktender/kube'
import { resourceFolder } from './layout.ts'
import { type ResourceId, ResourceListError } from './resource-lists.ts'
import { writeYaml } from './write-yaml.ts'

/** Objects of one kind in one namespace. */
interface Gathered {
  readonly version: string
  readonly objects: Map<string, KubeObject>
}

/** Collects what an operator is given, and makes the files of an input directory of it: one list for each kind and namespace. */
export class InputFiles {
  readonly #lists = new Map<string, Gathered>()

  /**
   * Adds an object; the later of two of one name counts.
   * @throws ResourceListError when the resource came in another version before
   */
  add({ group, version, resource }: ResourceId, object: KubeObject): void {
    const path = `${resourceFolder({ group, plural: resource, namespace: object.metadata.namespace })}.yaml`
    const list = this.#lists.get(path) ?? { version, objects: new Map<string, KubeObject>() }
    if (list.version !== version) {
      const what = group === '' ? resource : `${resource}.${group}`
      throw new ResourceListError(`${what} are declared in the versions ${list.version} and ${version}; use one`)
    }
    list.objects.set(object.metadata.name, object)
    this.#lists.set(path, list)
  }

  /** Contents by path, in the order in which the first objects came; `write` makes the text of a list. */
  files(write: (list: object) => string = writeYaml): Map<string, string> {
    return new Map(
      [...this.#lists].map(([path, { objects }]) => {
        const items = [...objects.values()]
        const { apiVersion, kind } = items[0]!
        return [path, write({ apiVersion, kind: `${kind}List`, items })]
      }),
    )
  }
}
