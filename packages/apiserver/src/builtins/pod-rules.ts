import { deepEqual, fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotFound, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { recordsAt, text } from './cells.ts'
import { labelName, notNegative, portNumber } from './rules.ts'

/** What the specification of a pod must say, at `path`: enough that its parts can be told apart and started. */
export function podSpecErrors(spec: unknown, path: string): FieldError[] {
  const errors: FieldError[] = []
  const volumes = new Set<unknown>()
  for (const [index, volume] of recordsAt(spec, 'volumes').entries()) {
    const at = `${path}.volumes[${index}].name`
    errors.push(...labelName(volume['name'], at))
    if (volumes.has(volume['name'])) errors.push(fieldDuplicate(at, text('name')(volume)))
    volumes.add(volume['name'])
  }
  const names = new Set<unknown>()
  const containers = recordsAt(spec, 'containers')
  if (containers.length === 0) errors.push(fieldRequired(`${path}.containers`))
  for (const [index, container] of containers.entries()) {
    errors.push(...containerErrors(container, `${path}.containers[${index}]`, names, volumes))
  }
  for (const [index, container] of recordsAt(spec, 'initContainers').entries()) {
    errors.push(...containerErrors(container, `${path}.initContainers[${index}]`, names, volumes))
  }
  if (isRecord(spec)) {
    errors.push(...notNegative(spec['terminationGracePeriodSeconds'], `${path}.terminationGracePeriodSeconds`))
  }
  return errors
}

function containerErrors(
  container: Record<string, unknown>,
  path: string,
  names: Set<unknown>,
  volumes: ReadonlySet<unknown>,
): FieldError[] {
  const errors = labelName(container['name'], `${path}.name`)
  if (names.has(container['name'])) errors.push(fieldDuplicate(`${path}.name`, text('name')(container)))
  names.add(container['name'])
  if (text('image')(container).trim() === '') errors.push(fieldRequired(`${path}.image`))
  for (const [index, port] of recordsAt(container, 'ports').entries()) {
    const at = `${path}.ports[${index}]`
    if ((port['containerPort'] ?? 0) === 0) errors.push(fieldRequired(`${at}.containerPort`))
    else errors.push(...portNumber(port['containerPort'], `${at}.containerPort`))
  }
  for (const [index, variable] of recordsAt(container, 'env').entries()) {
    if (text('name')(variable) === '') errors.push(fieldRequired(`${path}.env[${index}].name`))
  }
  const paths = new Set<unknown>()
  for (const [index, mount] of recordsAt(container, 'volumeMounts').entries()) {
    const at = `${path}.volumeMounts[${index}]`
    if (text('name')(mount) === '') errors.push(fieldRequired(`${at}.name`))
    else if (!volumes.has(mount['name'])) errors.push(fieldNotFound(`${at}.name`, text('name')(mount)))
    if (text('mountPath')(mount) === '') errors.push(fieldRequired(`${at}.mountPath`))
    else if (paths.has(mount['mountPath'])) {
      errors.push(fieldInvalid(`${at}.mountPath`, text('mountPath')(mount), 'must be unique'))
    }
    paths.add(mount['mountPath'])
  }
  return errors
}

/** Fields of a pod that may change after it was made; of containers only the image. */
const CHANGEABLE = [
  'activeDeadlineSeconds',
  'terminationGracePeriodSeconds',
  'tolerations',
  'schedulingGates',
  'nodeName',
]

/** A pod stays what it was, but for a few fields. */
export function podChangeErrors(spec: unknown, live: unknown): FieldError[] {
  if (deepEqual(frozen(spec), frozen(live))) return []
  return [
    fieldForbidden(
      'spec',
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
        '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
        '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ),
  ]
}

function frozen(spec: unknown): unknown {
  if (!isRecord(spec)) return {}
  const rest = { ...spec }
  for (const name of CHANGEABLE) delete rest[name]
  for (const list of ['containers', 'initContainers']) {
    if (Array.isArray(rest[list])) rest[list] = recordsAt(rest, list).map(({ image: _image, ...other }) => other)
  }
  return rest
}
