import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiError, customResourceDefinitions, isAlreadyExists, yaml } from '@locktender/kube'
import type { Client, KubeObject } from '@locktender/kube'
import type { Document } from 'yaml'
import type { DefinitionStatus } from '../crd/definition.ts'

/** What was found in a folder of manifests. */
export interface InstalledDefinitions {
  readonly files: number
  /** CustomResourceDefinitions that are served now. */
  readonly definitions: number
  /** Objects of other kinds, which were left alone. */
  readonly others: number
}

/** Something is wrong with the manifests; each problem is `file:line: message`. */
export class DefinitionsError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'DefinitionsError'
    this.problems = problems
  }
}

/** A document of a file, and where its parts stand. */
interface Manifest {
  readonly document: Document
  readonly object: KubeObject
  /** `file:line` of a field, or of the closest part around it that the manifest has. */
  readonly placeOf: (field: string) => string
}

/**
 * Creates or replaces the CustomResourceDefinitions in all `.yaml`, `.yml` and `.json` files of a folder.
 * @throws DefinitionsError with every problem found; definitions without one are installed nevertheless
 */
export async function installDefinitions(client: Client, folder: string): Promise<InstalledDefinitions> {
  const names = (await readdir(folder)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort()
  const problems: string[] = []
  let [installed, others] = [0, 0]
  for (const name of names) {
    const path = join(folder, name)
    for (const manifest of parseManifests(path, await readFile(path, 'utf8'), problems)) {
      if (manifest.object.kind !== customResourceDefinitions.kind) {
        others++
        continue
      }
      const found = await install(client, manifest)
      if (found.length === 0) installed++
      problems.push(...found)
    }
  }
  if (problems.length === 0 && installed === 0) {
    problems.push(`${folder}: there is no CustomResourceDefinition in the .yaml, .yml and .json files of this folder`)
  }
  if (problems.length > 0) throw new DefinitionsError(problems)
  return { files: names.length, definitions: installed, others }
}

function parseManifests(path: string, text: string, problems: string[]): Manifest[] {
  const lines = new (yaml().LineCounter)()
  const documents = yaml().parseAllDocuments(text, { lineCounter: lines })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const placeAt = (offset: number): string => `${path}:${lines.linePos(offset).line}`
    const start = placeAt(document.contents?.range[0] ?? document.range[0])
    if (document.errors.length > 0) {
      problems.push(
        ...document.errors.map(({ pos, message }) => `${placeAt(pos[0])}: ${message.split(/ at line \d/)[0]!}`),
      )
      return []
    }
    const object = document.toJS() as KubeObject | null
    if (object === null) return []
    if (typeof object !== 'object' || typeof object.kind !== 'string') {
      problems.push(`${start}: this is no Kubernetes object: it has no kind`)
      return []
    }
    const placeOf = (field: string): string => placeAt(offsetOf(document, field) ?? document.range[0])
    return [{ document, object, placeOf }]
  })
}

/** Problems of one definition; none when it is served. */
async function install(client: Client, { object, placeOf }: Manifest): Promise<string[]> {
  if (object.apiVersion !== 'apiextensions.k8s.io/v1') {
    return [`${placeOf('apiVersion')}: apiVersion must be apiextensions.k8s.io/v1, not ${object.apiVersion}`]
  }
  try {
    const { status } = (await createOrReplace(client, object)) as KubeObject & { readonly status?: DefinitionStatus }
    const refusal = status?.conditions?.find(({ type, status }) => type === 'NamesAccepted' && status === 'False')
    return refusal === undefined ? [] : [`${placeOf('spec.names')}: ${refusal.message}`]
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const causes = error.status.details?.causes ?? []
    if (causes.length === 0) return [`${placeOf('metadata.name')}: ${error.message}`]
    return causes.map(({ field = '', message = '' }) => `${placeOf(field)}: ${field}: ${message}`)
  }
}

async function createOrReplace(client: Client, object: KubeObject): Promise<KubeObject> {
  try {
    return await client.create(customResourceDefinitions, object)
  } catch (error) {
    if (!(error instanceof ApiError && isAlreadyExists(error))) throw error
    const { resourceVersion = '' } = (await client.get(customResourceDefinitions, object.metadata.name)).metadata
    return client.update(customResourceDefinitions, { ...object, metadata: { ...object.metadata, resourceVersion } })
  }
}

/** Where the value of a field such as `spec.versions[0].schema.properties[a]` starts, as far as the path leads. */
function offsetOf(document: Document, field: string): number | undefined {
  let node: unknown = document.contents
  let offset: number | undefined
  // Schemas that all versions have in common are reported at a place that manifests do not have.
  const path = field.replace(/^spec\.validation\./, 'spec.versions[0].schema.')
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    if (!yaml().isCollection(node)) break
    node = node.get(index ?? name, true)
    const range = (node as { readonly range?: readonly number[] } | undefined)?.range
    if (range === undefined) break
    offset = range[0]
  }
  return offset ?? document.contents?.range?.[0]
}
