import { deepEqual, fieldDuplicate, fieldForbidden, fieldInvalid } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { checkLabels } from '../objects/selector-checks.ts'
import type { Strategy } from '../served-resource.ts'
import { range } from './address-rules.ts'
import { at, number, recordsAt, text } from './cells.ts'
import { resourceAmount } from './resource-rules.ts'
import { labelProblems } from '../objects/dns-names.ts'
import { oneOf, refuse, unchanged } from './rules.ts'
import type { Errors } from './rules.ts'
import { taints, tolerations } from './scheduling-rules.ts'

type Part = Readonly<Record<string, unknown>>

function specOf(object: AnyObject): Part {
  return isRecord(object['spec']) ? object['spec'] : {}
}

/** Ranges of addresses for pods, by their old name too. */
function withRanges(object: AnyObject): AnyObject {
  const spec = specOf(object)
  const { podCIDR, podCIDRs } = spec
  const list = Array.isArray(podCIDRs) ? podCIDRs : []
  if (podCIDR !== undefined && list[0] !== podCIDR) return { ...object, spec: { ...spec, podCIDRs: [podCIDR] } }
  return podCIDR === undefined && list.length > 0 ? { ...object, spec: { ...spec, podCIDR: list[0] } } : object
}

function checkRanges(spec: Part, errors: Errors): void {
  const ranges = (spec['podCIDRs'] ?? []) as string[]
  for (const [index, one] of ranges.entries()) range(one, `spec.podCIDRs[${index}]`, errors)
  const families = ranges.map((one) => one.includes(':'))
  if (ranges.length > 2 || (ranges.length === 2 && families[0] === families[1])) {
    errors.push(fieldInvalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'))
  }
}

function checkStatus(object: AnyObject, errors: Errors): void {
  const addresses = new Set<string>()
  for (const field of ['capacity', 'allocatable']) {
    const amounts = at(object, 'status', field)
    for (const [name, amount] of Object.entries(isRecord(amounts) ? amounts : {})) {
      resourceAmount(name, amount, `status.${field}.${name}`, errors)
    }
  }
  for (const [index, one] of recordsAt(object, 'status', 'addresses').entries()) {
    const shown: Json = { Type: text('type')(one), Address: text('address')(one) }
    const key = JSON.stringify(shown)
    if (addresses.has(key)) errors.push(fieldDuplicate(`status.addresses[${index}]`, shown))
    addresses.add(key)
  }
}

/** What can be used of a node, when nobody has said that it is less than all. */
function withAllocatable(object: AnyObject): AnyObject {
  const status = isRecord(object['status']) ? object['status'] : {}
  const { capacity, allocatable } = status
  if (!isRecord(capacity) || isRecord(allocatable)) return object
  return { ...object, status: { ...status, allocatable: capacity } }
}

/** A node can be told once where it is and which addresses its pods have. */
export const nodeStrategy: Strategy = {
  prepareCreate: (object) => withAllocatable(withRanges(object)),
  prepareUpdate: withRanges,
  prepareStatus: withAllocatable,
  validate(object, live) {
    const errors: Errors = []
    const spec = specOf(object)
    taints(spec, 'metadata.taints', errors)
    checkRanges(spec, errors)
    if (live === undefined) return errors
    const before = specOf(live)
    const once = (field: string, old: string, had: boolean): void => {
      if (!had || deepEqual((spec[field] ?? null) as Json, (before[field] ?? null) as Json)) return
      errors.push(fieldForbidden(`spec.${field}`, `node updates may not change ${old} except from "" to valid`))
    }
    once('podCIDRs', 'podCIDR', Array.isArray(before['podCIDRs']) && before['podCIDRs'].length > 0)
    once('providerID', 'providerID', text('providerID')(before) !== '')
    return errors
  },
  validateStatus(object) {
    const errors: Errors = []
    checkStatus(object, errors)
    return errors
  },
}

/** Above this, priorities are for parts of the cluster itself. */
const HIGHEST_PRIORITY = 1_000_000_000

/** Classes every cluster has, for what it cannot do without. */
export const SYSTEM_PRIORITIES: readonly {
  readonly name: string
  readonly value: number
  readonly description: string
}[] = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

export const priorityClassStrategy: Strategy = {
  prepareCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
  validate(object, live) {
    const errors: Errors = []
    const { name } = object.metadata
    const value = number('value')(object)
    const known = SYSTEM_PRIORITIES.find((one) => one.name === name)
    if (name.startsWith('system-')) {
      if (known === undefined || known.value !== value) {
        const why =
          known === undefined
            ? `${name} is not a known system priority class`
            : `value of ${name} PriorityClass must be ${known.value}`
        const reserved = "priority class names with 'system-' prefix are reserved for system use only"
        errors.push(fieldForbidden('metadata.name', `${reserved}. error: ${why}`))
      }
    } else if (value > HIGHEST_PRIORITY) {
      const why = `maximum allowed value of a user defined priority is ${HIGHEST_PRIORITY}`
      errors.push(fieldForbidden('value', why))
    }
    oneOf(object['preemptionPolicy'], ['PreemptLowerPriority', 'Never'], 'preemptionPolicy', errors)
    if (live === undefined) return errors
    if (value !== number('value')(live)) errors.push(fieldForbidden('value', 'may not be changed in an update.'))
    const policy = object['preemptionPolicy']
    unchanged(policy, policy === live['preemptionPolicy'], 'preemptionPolicy', errors)
    return errors
  },
}

export const runtimeClassStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const handler = text('handler')(object)
    refuse(labelProblems(handler), handler, 'handler', errors)
    const fixed = at(object, 'overhead', 'podFixed')
    for (const [name, amount] of Object.entries(isRecord(fixed) ? fixed : {})) {
      resourceAmount(name, amount, `overhead.limits[${name}]`, errors)
    }
    const scheduling = object['scheduling']
    if (isRecord(scheduling)) {
      checkLabels(scheduling['nodeSelector'], 'scheduling.nodeSelector', errors)
      checkTolerations(recordsAt(scheduling, 'tolerations'), errors)
    }
    if (live !== undefined) unchanged(handler, handler === text('handler')(live), 'handler', errors)
    return errors
  },
}

function checkTolerations(list: readonly Part[], errors: Errors): void {
  tolerations(list, 'scheduling.tolerations', errors)
  for (const [index, one] of list.entries()) {
    if (list.findIndex((other) => deepEqual(one as Json, other as Json)) === index) continue
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds = null } = one
    const shown = { Key: key, Operator: operator, Value: value, Effect: effect, TolerationSeconds: tolerationSeconds }
    errors.push(fieldDuplicate(`scheduling.tolerations[${index}]`, shown as Json))
  }
}
