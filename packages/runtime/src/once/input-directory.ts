import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, isObject, type Json, type KubeObject } from '@locktender/kube'
import { Discovery } from './discovery.ts'
import { CLUSTER_SCOPED, fileSafe, NAMESPACES, resourceFolder, type ResourcePlace } from './layout.ts'
import { readYaml } from './read-yaml.ts'

/** The objects of one resource in one namespace or at cluster scope, as files hold them. */
export interface StoredObjects {
  /** From the list file; absent when there is none. */
  readonly listed: readonly KubeObject[] | undefined
  /** `kind` of the list file. */
  readonly listKind: string | undefined
  /** From files of their own. */
  readonly single: readonly KubeObject[]
}

/** A file of the directory cannot be used. */
export class InputDirectoryError extends Error {
  override readonly name = 'InputDirectoryError'
}

const NOTHING = { listed: undefined, listKind: undefined }

/**
 * A directory of manifests in the layout of a must-gather. Files are read when they are first asked for; a missing
 * directory or file is no error, since nobody gathers what does not exist.
 */
export class InputDirectory {
  readonly path: string
  readonly #stored = new Map<string, StoredObjects>()

  constructor(path: string) {
    this.path = path
  }

  /** Resources that discovery documents in the directory tell of; undefined when there are none. */
  discovery(): Discovery | undefined {
    const documents = ['aggregated-discovery-api.yaml', 'aggregated-discovery-apis.yaml'].map((name) =>
      this.#read(name),
    )
    return documents.every((document) => document === undefined) ? undefined : Discovery.fromDocuments(documents)
  }

  /** Names of the namespaces that have a folder. */
  namespaces(): string[] {
    return this.#entries(NAMESPACES, (entry) => entry.isDirectory())
  }

  /**
   * Objects of a resource, of one namespace or at cluster scope. Items of a list inherit its kind.
   * @throws InputDirectoryError for a file that is no object or list
   */
  objects(place: ResourcePlace): StoredObjects {
    const folder = resourceFolder(place)
    const known = this.#stored.get(folder)
    if (known !== undefined) return known
    const listFile = `${folder}.yaml`
    const list = this.#read(listFile)
    const single = this.#entries(folder, (entry) => entry.isFile() && entry.name.endsWith('.yaml')).map((name) =>
      checked(this.#read(`${folder}/${name}`), join(this.path, folder, name)),
    )
    const { listed, listKind } = list === undefined ? NOTHING : listContents(list, join(this.path, listFile))
    const inPlace = (objects: readonly KubeObject[]) => objects.map((object) => inNamespace(object, place.namespace))
    const stored = { listed: listed && inPlace(listed), listKind, single: inPlace(single) }
    this.#stored.set(folder, stored)
    return stored
  }

  /** The Namespace objects, each in the folder of what is in it. */
  namespaceObjects(): KubeObject[] {
    return this.namespaces().flatMap((name) => {
      const file = fileSafe(`${NAMESPACES}/${name}/${name}.yaml`)
      const object = this.#read(file)
      return object === undefined ? [] : [checked(object, join(this.path, file))]
    })
  }

  /** Every resource with a file, of every version: the kinds are those of the files. */
  places(): ResourcePlace[] {
    const below = (scope: string, namespace?: string): ResourcePlace[] =>
      this.#entries(scope, (entry) => entry.isDirectory()).flatMap((group) => {
        const names = this.#entries(`${scope}/${group}`, () => true).map((name) => name.replace(/\.yaml$/, ''))
        return [...new Set(names)].map((plural) => ({
          group: group === 'core' ? '' : group,
          plural,
          ...(namespace !== undefined && { namespace }),
        }))
      })
    return [...below(CLUSTER_SCOPED), ...this.namespaces().flatMap((name) => below(`${NAMESPACES}/${name}`, name))]
  }

  #entries(
    folder: string,
    wanted: (entry: { isFile(): boolean; isDirectory(): boolean; name: string }) => boolean,
  ): string[] {
    const path = join(this.path, folder)
    if (!exists(path)?.isDirectory()) return []
    return readdirSync(path, { withFileTypes: true })
      .filter(wanted)
      .map(({ name }) => name)
      .sort()
  }

  #read(file: string): Json | undefined {
    const path = join(this.path, file)
    if (!exists(path)?.isFile()) return undefined
    try {
      return readYaml(readFileSync(path, 'utf8')) as Json
    } catch (error) {
      throw new InputDirectoryError(`${path}: ${errorText(error)}`)
    }
  }
}

/** The folder says the namespace of an object that does not say it itself. */
function inNamespace(object: KubeObject, namespace: string | undefined): KubeObject {
  if (namespace === undefined || object.metadata.namespace !== undefined) return object
  return { ...object, metadata: { ...object.metadata, namespace } }
}

function exists(path: string) {
  return statSync(path, { throwIfNoEntry: false })
}

function checked(value: Json | undefined, path: string): KubeObject {
  if (isNamed(value)) return value as unknown as KubeObject
  throw new InputDirectoryError(`${path}: it holds no object with a name`)
}

function listContents(value: Json, path: string): { listed: KubeObject[]; listKind: string | undefined } {
  if (!isObject(value)) throw new InputDirectoryError(`${path}: it holds no list`)
  const { items, apiVersion, kind } = value
  if (items !== undefined && items !== null && !Array.isArray(items)) {
    throw new InputDirectoryError(`${path}: the items of the list are no list`)
  }
  const listKind = typeof kind === 'string' && kind !== '' ? kind : undefined
  const itemKind = listKind?.replace(/List$/, '')
  const inherited = {
    ...(typeof apiVersion === 'string' && { apiVersion }),
    ...(itemKind !== undefined && itemKind !== '' && { kind: itemKind }),
  }
  // Nothing without a name was ever an object of a cluster; some files have such rests of editing.
  const listed = (items ?? [])
    .map((item) => (isObject(item) && listKind !== 'List' ? { ...inherited, ...item } : item))
    .filter(isNamed)
  return { listed: listed as unknown as KubeObject[], listKind }
}

function isNamed(value: Json | undefined): boolean {
  return isObject(value) && isObject(value['metadata']) && typeof value['metadata']['name'] === 'string'
}
