import { fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import { text } from './cells.ts'
import { subdomainProblems } from '../objects/dns-names.ts'
import { configKeyProblems, refuse, requiredName } from './rules.ts'
import type { Errors } from './rules.ts'

type Source = Readonly<Record<string, unknown>>

/** Fields of its pod that files in a volume can show. */
export const VOLUME_FIELDS: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
]

/** Fields of its pod that a variable can have. */
export const VARIABLE_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]

const KNOWN = new Set([
  ...VOLUME_FIELDS,
  ...VARIABLE_FIELDS,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
])

/** One label or annotation by its key. */
const MEMBER = /^metadata\.(?:labels|annotations)\['[^']*'\]$/

const RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]

/** A reference to a field of the pod itself. */
export function fieldReference(source: Source, fields: readonly string[], path: string, errors: Errors): void {
  const apiVersion = text('apiVersion')(source)
  const field = text('fieldPath')(source)
  const place = `${path}.fieldPath`
  if (apiVersion === '') errors.push(fieldRequired(`${path}.apiVersion`))
  else if (field === '') errors.push(fieldRequired(place))
  else if (MEMBER.test(field)) return
  else if (apiVersion !== 'v1') {
    const why = `error converting fieldPath: unsupported pod version: ${apiVersion}`
    errors.push(fieldInvalid(place, field, why))
  } else if (!KNOWN.has(field)) {
    errors.push(fieldInvalid(place, field, `error converting fieldPath: field label not supported: ${field}`))
  } else if (!fields.includes(field)) errors.push(fieldNotSupported(place, field, [...fields]))
}

/** A reference to how much of a resource a container may have; in volumes it says which. */
export function resourceReference(source: Source, inVolume: boolean, path: string, errors: Errors): void {
  const resource = text('resource')(source)
  if (inVolume && text('containerName')(source) === '') errors.push(fieldRequired(`${path}.containerName`))
  else if (resource === '') errors.push(fieldRequired(`${path}.resource`))
  else if (!RESOURCES.includes(resource) && !/^(?:limits|requests)\.hugepages-/.test(resource)) {
    errors.push(fieldNotSupported(`${path}.resource`, resource, RESOURCES))
  }
}

/** A reference to a key of a config map or secret. */
export function keyReference(source: Source, path: string, errors: Errors): void {
  const name = text('name')(source)
  refuse(subdomainProblems(name), name, `${path}.name`, errors)
  requiredName(source['key'], configKeyProblems, `${path}.key`, errors)
}
