import { deepEqual } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { labelProblems } from '../objects/dns-names.ts'
import { isRecord } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'
import { at, recordsAt, text } from './cells.ts'
import { quantityValue } from './quantity.ts'

type Part = Readonly<Record<string, unknown>>

/** Labels of nodes that have other names by now. */
const OLD_NODE_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
}

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}

const OLD_VOLUMES: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

/** What whoever makes a pod, or a template of pods, should know; `path` is where it stands, with a dot at its end. */
function podWarnings(pod: unknown, path: string): string[] {
  const place = `${path}spec`
  const warnings: string[] = []
  for (const key of Object.keys((at(pod, 'spec', 'nodeSelector') ?? {}) as object)) {
    const why = OLD_NODE_LABELS[key]
    if (why !== undefined) warnings.push(`${place}.nodeSelector[${key}]: ${why}`)
  }
  for (const [index, constraint] of recordsAt(pod, 'spec', 'topologySpreadConstraints').entries()) {
    const key = text('topologyKey')(constraint)
    const where = `${place}.topologySpreadConstraints[${index}]`
    const why = OLD_NODE_LABELS[key]
    if (why !== undefined) warnings.push(`${where}.topologyKey: ${key} is ${why}`)
    if (constraint['labelSelector'] !== undefined) continue
    warnings.push(`${where}.labelSelector: a null labelSelector results in matching no pod`)
  }
  const annotations = (at(pod, 'metadata', 'annotations') ?? {}) as object
  for (const [key, why] of Object.entries(OLD_ANNOTATIONS)) {
    if (Object.hasOwn(annotations, key)) warnings.push(`${path}metadata.annotations[${key}]: ${why}`)
  }
  for (const [index, volume] of recordsAt(pod, 'spec', 'volumes').entries()) {
    for (const [field, why] of Object.entries(OLD_VOLUMES)) {
      if (volume[field] === undefined) continue
      warnings.push(`${place}.volumes[${index}].${field === 'storageos' ? 'storageOS' : field}: ${why}`)
    }
  }
  repeated(pod, 'hostAliases', 'ip', place, warnings)
  repeated(pod, 'imagePullSecrets', 'name', place, warnings)
  for (const [index, { name = '' }] of recordsAt(pod, 'spec', 'imagePullSecrets').entries()) {
    if (name === '') warnings.push(`${place}.imagePullSecrets[${index}].name: invalid empty name ""`)
  }
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    recordsAt(pod, 'spec', list).map((container, index) => ({ container, where: `${place}.${list}[${index}]` })),
  )
  for (const { container, where } of containers) {
    for (const name of ['memory', 'ephemeral-storage']) {
      for (const field of ['limits', 'requests']) {
        fraction(at(container, 'resources', field, name), `${where}.resources.${field}[${name}]`, warnings)
      }
    }
    hidden(container, where, warnings)
  }
  ports(containers, warnings)
  const grace = at(pod, 'spec', 'terminationGracePeriodSeconds')
  if (typeof grace === 'number' && grace < 0) {
    const why = 'must be >= 0; negative values are invalid and will be treated as 1'
    warnings.push(`${place}.terminationGracePeriodSeconds: ${why}`)
  }
  return warnings
}

function repeated(pod: unknown, list: string, field: string, place: string, warnings: string[]): void {
  const seen = new Set<string>()
  for (const [index, item] of recordsAt(pod, 'spec', list).entries()) {
    const value = text(field)(item)
    if (seen.has(value))
      warnings.push(`${place}.${list}[${index}].${field}: duplicate ${field} ${JSON.stringify(value)}`)
    seen.add(value)
  }
}

/** Warns of an amount that is not a whole number of bytes. */
export function fraction(amount: unknown, where: string, warnings: string[]): void {
  // Amounts are kept in billionths.
  if (typeof amount !== 'string' || quantityValue(amount) % 1_000_000_000n === 0n) return
  warnings.push(`${where}: fractional byte value "${amount}" is invalid, must be an integer`)
}

/** Variables that are stated again without regard to what they were. */
function hidden(container: Part, where: string, warnings: string[]): void {
  const seen = new Set<string>()
  for (const [index, variable] of recordsAt(container, 'env').entries()) {
    const name = text('name')(variable)
    const value = text('value')(variable)
    const itself = `$(${name})`
    if (seen.has(name) && (variable['valueFrom'] !== undefined || value === itself || !value.includes(itself))) {
      const why = `hides previous definition of "${name}", which may be dropped when using apply`
      warnings.push(`${where}.env[${index}]: ${why}`)
    }
    seen.add(name)
  }
}

function ports(containers: readonly { container: Part; where: string }[], warnings: string[]): void {
  const all = containers.flatMap(({ container, where }) =>
    recordsAt(container, 'ports').map((port, index) => ({
      where: `${where}.ports[${index}]`,
      key: `${String(port['containerPort'])}/${String(port['protocol'])}`,
      name: text('name')(port),
      hostPort: port['hostPort'] ?? 0,
      hostIP: port['hostIP'] ?? '',
    })),
  )
  for (const [index, port] of all.entries()) {
    for (const other of all.slice(0, index)) {
      if (other.key !== port.key) continue
      const kind =
        other.hostPort === port.hostPort && other.hostIP === port.hostIP
          ? 'duplicate'
          : other.hostPort === 0 || port.hostPort === 0
            ? 'overlapping'
            : other.hostPort === port.hostPort && (other.hostIP === '') !== (port.hostIP === '')
              ? 'dangerously ambiguous'
              : undefined
      if (kind !== undefined) warnings.push(`${port.where}: ${kind} port definition with ${other.where}`)
    }
  }
  for (const [index, { name, where }] of all.entries()) {
    const first = all.slice(0, index).find((other) => name !== '' && other.name === name)?.where
    if (first === undefined) continue
    const why = `services and probes that select ports by name will use ${first}`
    warnings.push(`${where}: duplicate port name "${name}" with ${first}, ${why}`)
  }
}

type Warn = NonNullable<Strategy['warn']>

/** Warnings about a pod itself; nobody who changes one later can do anything about them. */
export const warnOfPod: Warn = (object, live) => {
  if (live !== undefined) return []
  const { name } = object.metadata
  return [...unfitName(name, "the Pod's hostname"), ...podWarnings(object, '')]
}

function unfitName(name: string, use: string): string[] {
  const problems = labelProblems(name)
  if (problems.length === 0) return []
  const why = 'which can result in surprising behavior; a DNS label is recommended'
  return [`metadata.name: this is used in ${use}, ${why}: [${problems.join(' ')}]`]
}

/** Warnings about the template of pods at a path of field names, whenever what is wanted changes. */
export function warnOfTemplate(path: readonly string[], namesPods = false): Warn {
  return (object, live) => {
    const name = namesPods && live === undefined ? unfitName(object.metadata.name, 'Pod names and hostnames') : []
    if (live !== undefined && deepEqual(object['spec'] as Json, live['spec'] as Json)) return []
    const template = at(object, ...path)
    return isRecord(template) ? [...name, ...podWarnings(template, `${path.join('.')}.`)] : name
  }
}
