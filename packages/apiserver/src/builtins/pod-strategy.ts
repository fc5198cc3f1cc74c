import { deepEqual, fieldForbidden, fieldInvalid, forbidden } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy, StrategyContext } from '../served-resource.ts'
import { isAddress } from './address-rules.ts'
import { at, number, recordsAt, text } from './cells.ts'
import { ephemeralContainers, resize } from './pod-parts.ts'
import { podChangeErrors, podSpecErrors } from './pod-rules.ts'
import { warnOfPod } from './pod-warnings.ts'
import type { Errors } from './rules.ts'
import { serviceQuality } from './service-quality.ts'

type Spec = Readonly<Record<string, unknown>>

const PODS = { group: '', resource: 'pods' }

function specOf(object: AnyObject): Spec {
  return isRecord(object['spec']) ? object['spec'] : {}
}

/** The class that says where a pod stands among others: the named one, or the one for all that name none. */
function priorityClass(pod: AnyObject, context: StrategyContext): AnyObject | undefined {
  const classes = context.list('scheduling.k8s.io', 'priorityclasses')
  const name = text('spec', 'priorityClassName')(pod)
  if (name === '') {
    const general = classes.filter((one) => one['globalDefault'] === true)
    return general.toSorted((left, right) => number('value')(left) - number('value')(right))[0]
  }
  const found = classes.find(({ metadata }) => metadata.name === name)
  if (found === undefined) throw forbidden(PODS, pod.metadata.name, `no PriorityClass with name ${name} was found`)
  return found
}

/** Gives a pod the priority of its class, which it cannot choose by itself. */
function withPriority(pod: AnyObject, context: StrategyContext): AnyObject {
  const spec = specOf(pod)
  const found = priorityClass(pod, context)
  const priority = number('value')(found)
  const policy = text('preemptionPolicy')(found) || 'PreemptLowerPriority'
  const refuse = (what: string): Error => {
    const why = `${what} from the given PriorityClass name`
    return forbidden(PODS, pod.metadata.name, why)
  }
  if (spec['priority'] !== undefined && spec['priority'] !== priority) {
    const given = `the integer value of priority (${number('priority')(spec)}) must not be provided in pod spec`
    throw refuse(`${given}; priority admission controller computed ${priority}`)
  }
  if (spec['preemptionPolicy'] !== undefined && spec['preemptionPolicy'] !== policy) {
    const given = `the string value of PreemptionPolicy (${text('preemptionPolicy')(spec)}) must not be provided in pod spec`
    throw refuse(`${given}; priority admission controller computed ${policy}`)
  }
  const named = found === undefined ? {} : { priorityClassName: found.metadata.name }
  return { ...pod, spec: { ...spec, ...named, priority, preemptionPolicy: policy } }
}

/** How long, in seconds, pods stay on a node that cannot be reached. */
const PATIENCE = 300
const LOST_NODES = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

/** Pods leave nodes that are lost, though not at once, unless they say how long they bear it. */
function withPatience(pod: AnyObject): AnyObject {
  const given = recordsAt(pod, 'spec', 'tolerations')
  const bears = (taint: string): boolean =>
    given.some(
      ({ key = '', effect = '' }) => (key === taint || key === '') && (effect === 'NoExecute' || effect === ''),
    )
  const added = LOST_NODES.filter((taint) => !bears(taint)).map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: PATIENCE,
  }))
  return added.length === 0 ? pod : { ...pod, spec: { ...specOf(pod), tolerations: [...given, ...added] } }
}

/** Takes over what the runtime class of a pod asks for. */
function withRuntimeClass(pod: AnyObject, context: StrategyContext): AnyObject {
  const spec = specOf(pod)
  const name = text('runtimeClassName')(spec)
  const { overhead } = spec
  const reject = (why: string): Error => forbidden(PODS, pod.metadata.name, `pod rejected: ${why}`)
  if (name === '') {
    if (overhead === undefined) return pod
    throw reject('Pod Overhead set without corresponding RuntimeClass defined Overhead')
  }
  const found = context.list('node.k8s.io', 'runtimeclasses').find(({ metadata }) => metadata.name === name)
  if (found === undefined) throw reject(`RuntimeClass "${name}" not found`)
  const fixed = at(found, 'overhead', 'podFixed')
  if (overhead !== undefined && !deepEqual(overhead as Json, (fixed ?? null) as Json)) {
    throw reject("Pod's Overhead doesn't match RuntimeClass's defined Overhead")
  }
  const nodes = at(found, 'scheduling', 'nodeSelector')
  const own = isRecord(spec['nodeSelector']) ? spec['nodeSelector'] : {}
  for (const [key, value] of Object.entries(isRecord(nodes) ? nodes : {})) {
    if (key in own && own[key] !== value) {
      const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${String(value)}; pod.spec.nodeSelector[${key}] = ${String(own[key])}`
      throw reject(why)
    }
  }
  const borne = recordsAt(found, 'scheduling', 'tolerations')
  const tolerations = recordsAt(spec, 'tolerations')
  const more = borne.filter((one) => !tolerations.some((other) => deepEqual(one as Json, other as Json)))
  return {
    ...pod,
    spec: {
      ...spec,
      ...(isRecord(fixed) ? { overhead: fixed } : {}),
      ...(isRecord(nodes) ? { nodeSelector: { ...own, ...nodes } } : {}),
      ...(more.length === 0 ? {} : { tolerations: [...tolerations, ...more] }),
    },
  }
}

/** Nothing runs pods here, so they are as far as they get without a node. */
export const podStrategy: Strategy = {
  prepareCreate: (object, context) => ({
    ...withPatience(withPriority(withRuntimeClass(object, context), context)),
    status: { phase: 'Pending', qosClass: serviceQuality(object) },
  }),
  prepareUpdate: (object, live) => withPatience({ ...object, spec: { ...kept(specOf(live)), ...specOf(object) } }),
  validate(object, live) {
    const errors = podSpecErrors(object['spec'], 'spec')
    if (live !== undefined) return [...errors, ...podChangeErrors(object['spec'], live['spec'])]
    if (recordsAt(object, 'spec', 'ephemeralContainers').length > 0) {
      errors.push(fieldForbidden('spec.ephemeralContainers', 'cannot be set on create'))
    }
    return errors
  },
  validateStatus: statusErrors,
  warn: warnOfPod,
  parts: { ephemeralcontainers: ephemeralContainers, resize },
}

/** What was decided when the pod was made stays with those who send it as they once wrote it. */
function kept(spec: Spec): Spec {
  const { priority, preemptionPolicy } = spec
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
  }
}

function statusErrors(object: AnyObject): FieldError[] {
  const errors: Errors = []
  for (const [index, { ip }] of recordsAt(object, 'status', 'podIPs').entries()) {
    const value = typeof ip === 'string' ? ip : ''
    if (isAddress(value)) continue
    errors.push(
      fieldInvalid(`status.podIPs[${index}]`, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
    )
  }
  return errors
}
