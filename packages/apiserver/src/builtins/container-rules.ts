import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldNotSupported,
  fieldRequired,
} from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { at, recordsAt, text } from './cells.ts'
import { fieldReference, keyReference, resourceReference, VARIABLE_FIELDS } from './reference-rules.ts'
import { checkProbe, checkHandlers } from './probe-rules.ts'
import { containerResources } from './resource-rules.ts'
import { labelProblems, subdomainProblems } from '../objects/dns-names.ts'
import { oneOf, portNameProblems, portNumber, refuse, required, requiredName } from './rules.ts'
import type { Errors } from './rules.ts'
import { containerSecurity } from './security-rules.ts'
import { hasBlocks, pathBelow } from './volume-rules.ts'

type Part = Readonly<Record<string, unknown>>

/** What containers of one pod have in common, or must not have. */
export interface PodParts {
  readonly volumes: ReadonlyMap<unknown, Part>
  readonly names: Set<unknown>
  readonly hostPorts: Set<string>
  /** Names of the resource claims of the pod. */
  readonly claims: ReadonlySet<unknown>
  readonly hostNetwork: boolean
  readonly graceSeconds: number
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']
const RESTART_POLICIES = ['Always', 'Never', 'OnFailure']
const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None']

const VARIABLE = /^[ -<>-~]+$/
const VARIABLE_RULE = "a valid environment variable name must consist only of printable ASCII characters other than '='"

/** A container at `path`. */
export function checkContainer(container: Part, path: string, pod: PodParts, errors: Errors): void {
  const { name, image } = container
  requiredName(name, labelProblems, `${path}.name`, errors)
  if (required(image, `${path}.image`, errors) && image.trim() !== image) {
    errors.push(fieldInvalid(`${path}.image`, image, 'must not have leading or trailing whitespace'))
  }
  oneOf(
    container['terminationMessagePolicy'],
    ['File', 'FallbackToLogsOnError'],
    `${path}.terminationMessagePolicy`,
    errors,
  )
  checkPorts(container, path, errors)
  for (const [index, variable] of recordsAt(container, 'env').entries()) {
    checkVariable(variable, `${path}.env[${index}]`, errors)
  }
  for (const source of recordsAt(container, 'envFrom').entries()) checkVariables(source, `${path}.envFrom`, errors)
  checkMounts(container, path, pod, errors)
  oneOf(container['imagePullPolicy'], PULL_POLICIES, `${path}.imagePullPolicy`, errors)
  if (isRecord(container['resources'])) {
    containerResources(container['resources'], `${path}.resources`, pod.claims, errors)
  }
  for (const { resourceName, restartPolicy } of recordsAt(container, 'resizePolicy')) {
    oneOf(resourceName, ['cpu', 'memory'], `${path}.resizePolicy`, errors)
    oneOf(restartPolicy, ['NotRequired', 'RestartContainer'], `${path}.resizePolicy`, errors)
  }
  containerSecurity(container['securityContext'], `${path}.securityContext`, errors)
}

/** Which policies of restarting a container can have for itself. */
export function checkRestart(container: Part, path: string, errors: Errors): void {
  oneOf(container['restartPolicy'], RESTART_POLICIES, `${path}.restartPolicy`, errors)
}

/** What runs beside a container all the time it lives: not for those that run before the others. */
export function checkLife(container: Part, path: string, pod: PodParts, allowed: boolean, errors: Errors): void {
  const { lifecycle } = container
  if (isRecord(lifecycle)) {
    if (allowed) {
      for (const hook of ['postStart', 'preStop']) {
        if (isRecord(lifecycle[hook]))
          checkHandlers(lifecycle[hook], `${path}.lifecycle.${hook}`, pod.graceSeconds, errors)
      }
    } else errors.push(fieldForbidden(`${path}.lifecycle`, NOT_INITIAL))
  }
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const value = container[probe]
    if (!isRecord(value)) continue
    if (allowed) checkProbe(value, `${path}.${probe}`, probe !== 'readinessProbe', pod.graceSeconds, errors)
    else errors.push(fieldForbidden(`${path}.${probe}`, NOT_INITIAL))
  }
}

const NOT_INITIAL = 'may not be set for init containers without restartPolicy=Always'

function checkPorts(container: Part, path: string, errors: Errors): void {
  const names = new Set<unknown>()
  for (const [index, port] of recordsAt(container, 'ports').entries()) {
    const place = `${path}.ports[${index}]`
    const { name, containerPort = 0, hostPort = 0, protocol } = port
    if (typeof name === 'string' && name !== '') {
      const problems = portNameProblems(name)
      refuse(problems, name, `${place}.name`, errors)
      if (problems.length === 0 && names.has(name)) errors.push(fieldDuplicate(`${place}.name`, name))
      else names.add(name)
    }
    if (containerPort === 0) errors.push(fieldRequired(`${place}.containerPort`))
    else portNumber(containerPort, `${place}.containerPort`, errors)
    if (hostPort !== 0) portNumber(hostPort, `${place}.hostPort`, errors)
    oneOf(protocol, PROTOCOLS, `${place}.protocol`, errors)
  }
}

/** Ports of nodes can be had once. */
export function checkHostPorts(container: Part, path: string, pod: PodParts, errors: Errors): void {
  for (const [index, { hostPort = 0, containerPort, hostIP, protocol }] of recordsAt(container, 'ports').entries()) {
    const place = `${path}.ports[${index}].hostPort`
    if (pod.hostNetwork && hostPort !== containerPort) {
      errors.push(fieldInvalid(place, hostPort as number, 'must match `containerPort` when `hostNetwork` is true'))
    }
    if (hostPort === 0) continue
    const key = `${String(protocol)}/${typeof hostIP === 'string' ? hostIP : ''}/${String(hostPort)}`
    if (pod.hostPorts.has(key)) errors.push(fieldDuplicate(place, key))
    else pod.hostPorts.add(key)
  }
}

function checkVariable(variable: Part, path: string, errors: Errors): void {
  const { name, value, valueFrom } = variable
  if (required(name, `${path}.name`, errors) && !VARIABLE.test(name)) {
    errors.push(fieldInvalid(`${path}.name`, name, VARIABLE_RULE))
  }
  if (!isRecord(valueFrom)) return
  const place = `${path}.valueFrom`
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom
  if (isRecord(fieldRef)) fieldReference(fieldRef, VARIABLE_FIELDS, `${place}.fieldRef`, errors)
  if (isRecord(resourceFieldRef)) resourceReference(resourceFieldRef, false, `${place}.resourceFieldRef`, errors)
  if (isRecord(configMapKeyRef)) keyReference(configMapKeyRef, `${place}.configMapKeyRef`, errors)
  if (isRecord(secretKeyRef)) keyReference(secretKeyRef, `${place}.secretKeyRef`, errors)
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(isRecord).length
  if (sources === 0) {
    const known = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
    errors.push(fieldInvalid(place, '', `must specify one of: ${known}`))
  } else if (typeof value === 'string' && value !== '') {
    errors.push(fieldInvalid(place, '', 'may not be specified when `value` is not empty'))
  } else if (sources > 1) {
    errors.push(fieldInvalid(place, '', 'may not have more than one field specified at a time'))
  }
}

function checkVariables([index, source]: readonly [number, Part], path: string, errors: Errors): void {
  const place = `${path}[${index}]`
  const { prefix, configMapRef, secretRef } = source
  if (typeof prefix === 'string' && prefix !== '' && !VARIABLE.test(prefix)) {
    errors.push(fieldInvalid(`${place}.prefix`, prefix, VARIABLE_RULE))
  }
  if (isRecord(configMapRef))
    requiredName(configMapRef['name'], subdomainProblems, `${place}.configMapRef.name`, errors)
  if (isRecord(secretRef)) requiredName(secretRef['name'], subdomainProblems, `${place}.secretRef.name`, errors)
  if (!isRecord(configMapRef) && !isRecord(secretRef)) {
    errors.push(fieldInvalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
  } else if (isRecord(configMapRef) && isRecord(secretRef)) {
    errors.push(fieldInvalid(path, '', 'may not have more than one field specified at a time'))
  }
}

function checkMounts(container: Part, path: string, pod: PodParts, errors: Errors): void {
  const devices = recordsAt(container, 'volumeDevices')
  const paths = new Set<unknown>()
  for (const [index, mount] of recordsAt(container, 'volumeMounts').entries()) {
    const place = `${path}.volumeMounts[${index}]`
    const { name, mountPath, subPath, subPathExpr, mountPropagation } = mount
    if (required(name, `${place}.name`, errors) && !pod.volumes.has(name)) {
      errors.push(fieldNotFound(`${place}.name`, name))
    }
    required(mountPath, `${place}.mountPath`, errors)
    if (paths.has(mountPath))
      errors.push(fieldInvalid(`${place}.mountPath`, text('mountPath')(mount), 'must be unique'))
    paths.add(mountPath)
    if (devices.some((device) => device['name'] === name)) {
      errors.push(fieldInvalid(`${place}.name`, name as string, 'must not already exist in volumeDevices'))
    }
    // Paths of all mounts are spoken of as one.
    const all = `${path}.volumeMounts`
    if (typeof subPath === 'string' && subPath !== '') pathBelow(subPath, `${all}.subPath`, errors)
    if (typeof subPathExpr === 'string' && subPathExpr !== '') {
      if (typeof subPath === 'string' && subPath !== '') {
        const why = 'subPathExpr and subPath are mutually exclusive'
        errors.push(fieldInvalid(`${place}.subPathExpr`, subPathExpr, why))
      }
      pathBelow(subPathExpr, `${all}.subPathExpr`, errors)
    }
    checkPropagation(mountPropagation, container, `${all}.mountPropagation`, errors)
  }
  const devicePaths = new Set<unknown>()
  for (const [index, device] of devices.entries()) {
    const place = `${path}.volumeDevices[${index}]`
    const { name, devicePath } = device
    const volume = pod.volumes.get(name)
    if (required(name, `${place}.name`, errors)) {
      if (volume === undefined) errors.push(fieldNotFound(`${place}.name`, name))
      else if (!hasBlocks(volume)) {
        const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
        errors.push(fieldInvalid(`${place}.name`, name, why))
      }
    }
    if (required(devicePath, `${place}.devicePath`, errors)) {
      if (devicePaths.has(devicePath)) errors.push(fieldInvalid(`${place}.devicePath`, devicePath, 'must be unique'))
      pathBelow(devicePath.replace(/^\/+/, ''), `${place}.devicePath`, errors)
    }
    devicePaths.add(devicePath)
  }
}

function checkPropagation(mode: unknown, container: Part, path: string, errors: Errors): void {
  if (mode === undefined) return
  if (!PROPAGATIONS.includes(mode as string)) errors.push(fieldNotSupported(path, mode as string, PROPAGATIONS))
  if (mode === 'Bidirectional' && at(container, 'securityContext', 'privileged') !== true) {
    const why = 'Bidirectional mount propagation is available only to privileged containers'
    errors.push(fieldForbidden(path, why))
  }
}

/** Names of containers are theirs alone. */
export function checkName(container: Part, path: string, names: Set<unknown>, errors: Errors): void {
  const name = text('name')(container)
  if (name === '') return
  if (names.has(name)) errors.push(fieldDuplicate(`${path}.name`, name))
  names.add(name)
}
