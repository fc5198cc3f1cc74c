import { type Json, type KubeObject, labelSelectorFrom } from '@locktender/kube'
import { MENDED } from './compat.ts'
import type { InputDirectory } from './input-directory.ts'
import { InputFiles } from './input-files.ts'
import { ManifestStore } from './manifest-store.ts'
import { type InputResources, type NamedResource, type ResourceId, ResourceListError } from './resource-lists.ts'

/**
 * The part of a must-gather that an operator is given: files by their path, each a list. What is declared and does not
 * exist is left out; whatever refers to something is included itself.
 *
 * @throws ResourceListError when two versions of a resource are asked for, or a reference leads to no name
 * @throws ApiError when objects are stored in another version than declared
 */
export function prune(input: InputDirectory, inputs: InputResources): Promise<Map<string, string>> {
  const store = new ManifestStore(input, MENDED)
  return gatherInputs(inputs, {
    get: (resource) => store.get(placeOf(resource), resource.name),
    list: (resource) => store.list(placeOf(resource)),
  })
}

/** Where the objects that an operator is given come from. */
export interface ObjectSource {
  get(resource: NamedResource): KubeObject | undefined
  /** All of a namespace, or of the cluster when the entry names none; those that are not wanted are left out later. */
  list(resource: ResourceId): Iterable<KubeObject>
}

/**
 * The input directory of an operator, made from `source`: files by their path, each a list. `write` makes its text:
 * JSON, which is YAML too, is written and read in a twentieth of the time.
 *
 * @throws ResourceListError as {@link prune} does
 */
export async function gatherInputs(
  inputs: InputResources,
  source: ObjectSource,
  write?: (list: object) => string,
): Promise<Map<string, string>> {
  const files = new InputFiles()
  const keep = (resource: ResourceId, objects: readonly (KubeObject | undefined)[]) => {
    for (const object of objects) if (object !== undefined) files.add(resource, object)
  }
  const {
    exactResources = [],
    generatedNameResources = [],
    labelSelectedResources = [],
    resourceReferences = [],
  } = inputs.applyConfigurationResources
  for (const resource of exactResources) keep(resource, [source.get(resource)])
  for (const resource of generatedNameResources) {
    const named = [...source.list(resource)].filter(({ metadata }) => metadata.name.startsWith(resource.name))
    keep(resource, named)
  }
  for (const resource of labelSelectedResources) {
    const selector = labelSelectorFrom(resource.labelSelector)
    keep(
      resource,
      [...source.list(resource)].filter(({ metadata }) => selector.matches(metadata.labels)),
    )
  }
  // Its library is loaded only when there is something to look for.
  const { textsAt } = resourceReferences.length === 0 ? { textsAt: undefined } : await import('./json-path.ts')
  for (const { referringResource, implicitNamespacedReference: reference, type } of resourceReferences) {
    if (reference === undefined) throw new ResourceListError(`references of type ${type} are not supported`)
    const referring = source.get(referringResource)
    if (referring === undefined) continue
    keep(referringResource, [referring])
    for (const name of namesAt(textsAt!, reference.nameJSONPath, referring))
      keep(reference, [source.get({ ...reference, name })])
  }
  return files.files(write)
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
