import { deepEqual, fieldForbidden, fieldInvalid } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { PartStrategy } from '../served-resource.ts'
import { at, recordsAt, text } from './cells.ts'
import { podSpecErrors } from './pod-rules.ts'
import type { Errors } from './rules.ts'
import { serviceQuality } from './service-quality.ts'

type Container = Readonly<Record<string, unknown>>

/** The object with one field of its specification as another has it. */
function withField(object: AnyObject, field: string, value: unknown): AnyObject {
  const { [field]: _before, ...spec } = isRecord(object['spec']) ? object['spec'] : {}
  return { ...object, spec: value === undefined ? spec : { ...spec, [field]: value } }
}

/** Containers that are added to a pod for a look at it. They stay as they are. */
export const ephemeralContainers: PartStrategy = {
  take: (sent, live) => withField(live, 'ephemeralContainers', at(sent, 'spec', 'ephemeralContainers')),
  validate(object, live) {
    const errors: Errors = podSpecErrors(object['spec'], 'spec')
    const path = 'spec.ephemeralContainers'
    const containers = recordsAt(object, 'spec', 'ephemeralContainers')
    for (const before of recordsAt(live, 'spec', 'ephemeralContainers')) {
      const which = `existing ephemeral containers ${JSON.stringify(before['name'])}`
      const now = containers.find(({ name }) => name === before['name'])
      if (now === undefined) errors.push(fieldForbidden(path, `${which} may not be removed\n`))
      else if (!deepEqual(now, before)) errors.push(fieldForbidden(path, `${which} may not be changed\n`))
    }
    return errors
  },
}

const LISTS = ['containers', 'initContainers'] as const
/** What a pod can have more or less of while it runs. */
const RESIZED = new Set(['cpu', 'memory'])

/** Containers with the amounts that were sent for them; all of what was sent when it is of others. */
function withAmounts(sent: readonly Container[], live: readonly Container[]): readonly Container[] {
  if (sent.some(({ name }, index) => name !== live[index]!['name'])) return sent
  return live.map((container, index) => {
    const { resources: _resources, resizePolicy: _policy, ...rest } = container
    const { resources, resizePolicy } = sent[index]!
    return {
      ...rest,
      ...(resources === undefined ? {} : { resources }),
      ...(resizePolicy === undefined ? {} : { resizePolicy }),
    }
  })
}

/** A container without what can be resized. */
function unsized({ resources, ...container }: Container): Json {
  const rest = ['limits', 'requests'].map((field) => {
    const amounts = at(resources, field)
    return Object.entries(isRecord(amounts) ? amounts : {}).filter(([name]) => !RESIZED.has(name))
  })
  return { ...container, rest } as Json
}

function checkRemoved(now: Container, before: Container, path: string, errors: Errors): void {
  for (const field of ['requests', 'limits']) {
    const amounts = at(now, 'resources', field)
    const removed = Object.keys((at(before, 'resources', field) ?? {}) as object).some(
      (name) => !isRecord(amounts) || amounts[name] === undefined,
    )
    if (removed) errors.push(fieldForbidden(`${path}.resources.${field}`, `resource ${field} cannot be removed`))
  }
}

/** Whether the node, as far as it has told of a running container, can resize pods. */
function isSupported(pod: AnyObject): boolean {
  const running = recordsAt(pod, 'status', 'containerStatuses').find((one) => at(one, 'state', 'running') !== undefined)
  return running === undefined || running['resources'] !== undefined
}

function orderErrors(object: AnyObject, live: AnyObject): Errors {
  const errors: Errors = []
  for (const list of LISTS) {
    const [now, before] = [recordsAt(object, 'spec', list), recordsAt(live, 'spec', list)]
    if (now.length !== before.length) {
      errors.push(fieldForbidden(`spec.${list}`, `${list} may not be added or removed on resize`))
      continue
    }
    for (const [index, { name }] of before.entries()) {
      if (now[index]!['name'] === name) continue
      errors.push(fieldForbidden(`spec.${list}[${index}].name`, `${list} may not be renamed or reordered on resize`))
    }
  }
  return errors
}

/** More or less of what the containers of a pod may use. */
export const resize: PartStrategy = {
  take(sent, live) {
    if (LISTS.some((list) => recordsAt(sent, 'spec', list).length !== recordsAt(live, 'spec', list).length)) {
      return { ...live, spec: sent['spec'] }
    }
    let object = live
    for (const list of LISTS) {
      const before = recordsAt(live, 'spec', list)
      if (before.length > 0) object = withField(object, list, withAmounts(recordsAt(sent, 'spec', list), before))
    }
    return object
  },
  validate(object, live) {
    const errors: Errors = podSpecErrors(object['spec'], 'spec')
    if (serviceQuality(object) !== text('status', 'qosClass')(live)) {
      const why = 'Pod QOS Class may not change as a result of resizing'
      errors.push(fieldInvalid('spec', text('status', 'qosClass')(object), why))
    }
    if (!isSupported(live)) errors.push(fieldForbidden('spec', 'Pod running on node without support for resize'))
    const order = orderErrors(object, live)
    if (order.length > 0) return [...errors, ...order]
    const pairs = LISTS.toReversed().flatMap((list) => {
      const before = recordsAt(live, 'spec', list)
      return recordsAt(object, 'spec', list).map((now, index) => ({
        list,
        now,
        before: before[index]!,
        path: `spec.${list}[${index}]`,
      }))
    })
    const isSidecar = (container: Container): boolean => container['restartPolicy'] === 'Always'
    for (const { list, now, before, path } of pairs) {
      if (list === 'containers' || isSidecar(before)) checkRemoved(now, before, path, errors)
    }
    for (const { list, now, before } of pairs.toReversed()) {
      if (list === 'initContainers' && !isSidecar(now)) {
        if (deepEqual(now as Json, before as Json)) continue
        errors.push(fieldForbidden('spec', 'resources for non-sidecar init containers are immutable'))
      } else if (!deepEqual(unsized(now), unsized(before))) {
        const whose = list === 'containers' ? '' : ' for sidecar containers'
        errors.push(fieldForbidden('spec', `only cpu and memory resources${whose} are mutable`))
      }
    }
    return errors
  },
}
