import { apiVersionOf } from '@locktender/kube'
import type { ServedResource } from './served-resource.ts'

/** The resources one logical cluster serves: the built-in ones and those of its CustomResourceDefinitions. */
export class ResourceRegistry {
  readonly #byPath = new Map<string, ServedResource>()
  /** Paths of the resources each definition has brought. */
  readonly #byDefinition = new Map<string, readonly string[]>()
  readonly #equivalents = new Map<ServedResource, readonly ServedResource[]>()
  /** One of the versions of each kind; empty when it has to be made anew. */
  readonly #byKind = new Map<string, ServedResource>()
  readonly #builtInGroups = new Set<string>()
  #generation = 0

  constructor(builtIn: readonly ServedResource[]) {
    for (const served of builtIn) {
      this.#byPath.set(pathOf(served.resource), served)
      this.#builtInGroups.add(served.resource.group)
    }
  }

  /** Grows with every change; documents made from the registry may be kept while it stays the same. */
  get generation(): number {
    return this.#generation
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPath.get(pathOf({ group, version, plural }))
  }

  /** Whether a group has kinds without definitions. */
  isBuiltIn(group: string): boolean {
    return this.#builtInGroups.has(group)
  }

  /** A served version of a kind. */
  findKind(group: string, kind: string): ServedResource | undefined {
    if (this.#byKind.size === 0) {
      for (const served of this.#byPath.values())
        this.#byKind.set(`${served.resource.group}/${served.resource.kind}`, served)
    }
    return this.#byKind.get(`${group}/${kind}`)
  }

  /** A served version whose objects are kept under `group` and `plural`. */
  findStored(group: string, plural: string): ServedResource | undefined {
    let found: ServedResource | undefined
    for (const served of this.#byPath.values()) {
      const { storedAs, conversion, resource, storedApiVersion } = served
      if (storedAs.plural !== plural || storedAs.group !== group || conversion !== undefined) continue
      // The version in which objects are stored needs no conversion.
      if (apiVersionOf(resource) === storedApiVersion) return served
      found ??= served
    }
    return found
  }

  /** Other versions, also of other groups, that show the same objects. */
  equivalents(served: ServedResource): readonly ServedResource[] {
    let known = this.#equivalents.get(served)
    if (known === undefined) {
      const { group, plural } = served.storedAs
      known = this.all().filter(
        (other) => other !== served && other.storedAs.group === group && other.storedAs.plural === plural,
      )
      this.#equivalents.set(served, known)
    }
    return known
  }

  all(): ServedResource[] {
    return [...this.#byPath.values()]
  }

  /** Replaces what `definition` serves; without resources it serves nothing any more. */
  define(definition: string, resources: readonly ServedResource[]): void {
    for (const path of this.#byDefinition.get(definition) ?? []) this.#byPath.delete(path)
    for (const served of resources) this.#byPath.set(pathOf(served.resource), served)
    if (resources.length === 0) this.#byDefinition.delete(definition)
    else
      this.#byDefinition.set(
        definition,
        resources.map((served) => pathOf(served.resource)),
      )
    this.#equivalents.clear()
    this.#byKind.clear()
    this.#generation++
  }
}

function pathOf(resource: { readonly group: string; readonly version: string; readonly plural: string }): string {
  return `${resource.group}/${resource.version}/${resource.plural}`
}

const STAGES: Readonly<Record<string, number>> = { alpha: 1, beta: 2, '': 3 }

/** Orders versions by preference: GA before beta before alpha, higher numbers first, then anything else by name. */
export function compareVersions(left: string, right: string): number {
  const first = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(left)
  const second = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(right)
  if (first === null || second === null) {
    if (first !== null) return -1
    if (second !== null) return 1
    return left < right ? -1 : left > right ? 1 : 0
  }
  return (
    STAGES[second[2] ?? '']! - STAGES[first[2] ?? '']! ||
    Number(second[1]) - Number(first[1]) ||
    Number(second[3] ?? 0) - Number(first[3] ?? 0)
  )
}
