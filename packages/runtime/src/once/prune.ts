import { type Json, type KubeObject, labelSelectorFrom } from '@locktender/kube'
import { MENDED } from './compat.ts'
import type { InputDirectory } from './input-directory.ts'
import { resourceFolder } from './layout.ts'
import { ManifestStore } from './manifest-store.ts'
import { type InputResources, type ResourceId, ResourceListError } from './resource-lists.ts'
import { writeYaml } from './write-yaml.ts'

/** Objects of one kind in one namespace, as they go into a list file. */
interface Gathered {
  readonly version: string
  readonly objects: Map<string, KubeObject>
}

/**
 * The part of a must-gather that an operator is given: files by their path, each a list. What is declared and does not
 * exist is left out; whatever refers to something is included itself.
 *
 * @throws ResourceListError when two versions of a resource are asked for, or a reference leads to no name
 * @throws ApiError when objects are stored in another version than declared
 */
export async function prune(input: InputDirectory, inputs: InputResources): Promise<Map<string, string>> {
  const store = new ManifestStore(input, MENDED)
  const files = new Map<string, Gathered>()
  const keep = (resource: ResourceId, objects: readonly (KubeObject | undefined)[]) => {
    for (const object of objects) if (object !== undefined) gather(files, resource, object)
  }
  const get = (resource: ResourceId, name: string) => store.get(placeOf(resource), name)
  const {
    exactResources = [],
    generatedNameResources = [],
    labelSelectedResources = [],
    resourceReferences = [],
  } = inputs.applyConfigurationResources
  for (const resource of exactResources) keep(resource, [get(resource, resource.name)])
  for (const resource of generatedNameResources) {
    const named = store.list(placeOf(resource)).filter(({ metadata }) => metadata.name.startsWith(resource.name))
    keep(resource, named)
  }
  for (const resource of labelSelectedResources) {
    const selector = labelSelectorFrom(resource.labelSelector)
    keep(
      resource,
      store.list(placeOf(resource)).filter(({ metadata }) => selector.matches(metadata.labels)),
    )
  }
  // Its library is loaded only when there is something to look for.
  const { textsAt } = resourceReferences.length === 0 ? { textsAt: undefined } : await import('./json-path.ts')
  for (const { referringResource, implicitNamespacedReference: reference, type } of resourceReferences) {
    if (reference === undefined) throw new ResourceListError(`references of type ${type} are not supported`)
    const referring = get(referringResource, referringResource.name)
    if (referring === undefined) continue
    keep(referringResource, [referring])
    for (const name of namesAt(textsAt!, reference.nameJSONPath, referring)) keep(reference, [get(reference, name)])
  }
  return new Map(
    [...files].map(([path, { objects }]) => {
      const items = [...objects.values()]
      const { apiVersion, kind } = items[0]!
      return [path, writeYaml({ apiVersion, kind: `${kind}List`, items })]
    }),
  )
}

function namesAt(textsAt: (path: string, value: Json) => string[], path: string, object: KubeObject): string[] {
  try {
    return textsAt(path, object as unknown as Json).filter((name) => name !== '')
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ResourceListError(`${object.kind} ${object.metadata.name}: ${error.message}`)
  }
}

function placeOf({ group, version, resource, namespace }: ResourceId) {
  const isEverywhere = namespace === undefined || namespace === ''
  return { group, version, plural: resource, namespace: isEverywhere ? undefined : namespace }
}

function gather(files: Map<string, Gathered>, resource: ResourceId, object: KubeObject): void {
  const { group, version, resource: plural } = resource
  const path = `${resourceFolder({ group, plural, namespace: object.metadata.namespace })}.yaml`
  const file = files.get(path) ?? { version, objects: new Map<string, KubeObject>() }
  if (file.version !== version) {
    const what = group === '' ? plural : `${plural}.${group}`
    throw new ResourceListError(`${what} are declared in the versions ${file.version} and ${version}; use one`)
  }
  file.objects.set(object.metadata.name, object)
  files.set(path, file)
}
