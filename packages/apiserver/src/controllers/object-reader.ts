import type { KubeObject } from '@locktender/kube'
import type { Stored } from '../database.ts'
import { childSegments } from '../store/child-segments.ts'
import type { KeyValueStore } from '../store/store.ts'
import type { PlacedObject } from './drain.ts'
import { parseKey } from './object-writer.ts'
import type { ObjectRef } from './object-writer.ts'

/** A resource as the keys of its objects name it. */
export interface StoredResource {
  readonly group: string
  readonly plural: string
  readonly namespaced: boolean
}

/** How controllers look for objects: in the newest state, at a cost that does not grow with what they do not ask for. */
export class ObjectReader {
  readonly #store: KeyValueStore
  readonly #parse: (stored: Stored) => KubeObject

  constructor(store: KeyValueStore, parse: (stored: Stored) => KubeObject) {
    this.#store = store
    this.#parse = parse
  }

  clusters(): string[] {
    return childSegments(this.#store, '/')
  }

  get({ cluster, group, plural, namespace, name }: ObjectRef): KubeObject | undefined {
    const stored = this.#store.get(`/${cluster}/${group}/${plural}/${namespace}/${name}`)
    return stored === undefined ? undefined : this.#parse(stored)
  }

  /** All objects of a resource. */
  *ofResource(cluster: string, group: string, plural: string): Generator<PlacedObject> {
    yield* this.#below(`/${cluster}/${group}/${plural}/`)
  }

  /** All objects in a namespace, of whatever kind. */
  *inNamespace(cluster: string, namespace: string): Generator<PlacedObject> {
    for (const group of childSegments(this.#store, `/${cluster}/`)) {
      for (const plural of childSegments(this.#store, `/${cluster}/${group}/`)) {
        yield* this.#below(`/${cluster}/${group}/${plural}/${namespace}/`)
      }
    }
  }

  /** Namespaces that have objects of a resource. */
  namespacesOf(cluster: string, group: string, plural: string): string[] {
    return childSegments(this.#store, `/${cluster}/${group}/${plural}/`)
  }

  *#below(prefix: string): Generator<PlacedObject> {
    for (const stored of this.#store.range(prefix).items) {
      const ref = parseKey(stored.key)
      if (ref !== undefined) yield { key: stored.key, ref, object: this.#parse(stored) }
    }
  }
}
