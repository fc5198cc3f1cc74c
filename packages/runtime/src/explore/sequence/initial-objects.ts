import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, isObject, type Json, type KubeObject, yaml } from '@locktender/kube'
import { InputDirectory } from '../../once/input-directory.ts'
import { CLUSTER_SCOPED, NAMESPACES } from '../../once/layout.ts'
import { DocumentError } from '../document-reader.ts'

/** What the server of a scenario makes anew. Owners are known by uids, so what was owned would be taken away. */
const MADE_ANEW = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'generation',
  'selfLink',
  'ownerReferences',
]

/**
 * The objects in a file with manifests, in a folder of such, or in a must-gather; without what a server makes anew.
 * @throws DocumentError for what is missing or no manifest
 */
export function objectsAt(path: string): KubeObject[] {
  const entry = statSync(path, { throwIfNoEntry: false })
  if (entry === undefined) throw new DocumentError(`${path}: there is no such file or folder`)
  if (entry.isFile()) return objectsIn(path)
  const isGathered = [CLUSTER_SCOPED, NAMESPACES].some(
    (name) => statSync(join(path, name), { throwIfNoEntry: false }) !== undefined,
  )
  if (isGathered) return gatheredObjects(path)
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ya?ml|json)$/.test(file))
    .sort()
    .flatMap((file) => objectsIn(join(path, file)))
}

function gatheredObjects(path: string): KubeObject[] {
  try {
    const directory = new InputDirectory(path)
    const objects = directory.places().flatMap((place) => {
      const { listed = [], single } = directory.objects(place)
      return [...listed, ...single]
    })
    return [...directory.namespaceObjects(), ...objects].map(asNew)
  } catch (error) {
    throw new DocumentError(errorText(error))
  }
}

function objectsIn(file: string): KubeObject[] {
  const lines = new (yaml().LineCounter)()
  return yaml()
    .parseAllDocuments(readFileSync(file, 'utf8'), { lineCounter: lines })
    .flatMap((document) => {
      const where = `${file}:${lines.linePos(document.range[0]).line}`
      const [error] = document.errors
      if (error !== undefined) throw new DocumentError(`${file}: ${error.message.split('\n', 1)[0]!}`)
      const value = document.toJS() as Json
      if (value === null) return []
      const items = isObject(value) && Array.isArray(value['items']) ? value['items'] : [value]
      return items.map((item) => {
        const metadata = isObject(item) ? item['metadata'] : undefined
        if (isObject(item) && typeof item['kind'] === 'string' && isObject(metadata)) {
          return asNew(item as unknown as KubeObject)
        }
        throw new DocumentError(`${where}: this is no Kubernetes object: it has no kind or no metadata`)
      })
    })
}

function asNew(object: KubeObject): KubeObject {
  const kept = Object.entries(object.metadata).filter(([name]) => !MADE_ANEW.includes(name))
  return { ...object, metadata: Object.fromEntries(kept) as unknown as KubeObject['metadata'] }
}
