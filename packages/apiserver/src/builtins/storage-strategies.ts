import {
  deepEqual,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  forbidden,
  labelValueProblems,
} from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy, StrategyContext } from '../served-resource.ts'
import { accessModes, claimSpecErrors, VOLUME_MODES } from './claim-rules.ts'
import { at, recordsAt, text } from './cells.ts'
import { fraction } from './pod-warnings.ts'
import { quantityValue } from './quantity.ts'
import { subdomainProblems } from '../objects/dns-names.ts'
import { oneOf, optionalName, qualified, refuse, unchanged } from './rules.ts'
import type { Errors } from './rules.ts'
import { nodeSelector } from './scheduling-rules.ts'
import { persistentSource } from './volume-rules.ts'

type Spec = Readonly<Record<string, unknown>>

function specOf(object: AnyObject): Spec {
  return isRecord(object['spec']) ? object['spec'] : {}
}

/** Keeps what is used from going away before those that use it. */
export function protectedBy(finalizer: string, object: AnyObject): AnyObject {
  const finalizers = object.metadata.finalizers ?? []
  if (finalizers.includes(finalizer)) return object
  return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } }
}

export const VOLUME_PROTECTION = 'kubernetes.io/pv-protection'
export const ATTRIBUTES_CLASS_PROTECTION = 'kubernetes.io/vac-protection'
export const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection'

const RECLAIM = ['Delete', 'Recycle', 'Retain']

/** Fields of a volume that say how it is used, rather than what it is. */
const NO_SOURCE = [
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]

function sourceOf(spec: Spec): Json {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !NO_SOURCE.includes(name))) as Json
}

function volumeErrors(spec: Spec): FieldError[] {
  const errors: Errors = []
  const modes = spec['accessModes']
  if (!Array.isArray(modes) || modes.length === 0) errors.push(fieldRequired('spec.accessModes'))
  accessModes(modes, 'spec.accessModes', errors)
  checkCapacity(spec['capacity'], errors)
  oneOf(spec['persistentVolumeReclaimPolicy'], RECLAIM, 'spec.persistentVolumeReclaimPolicy', errors)
  const affinity = spec['nodeAffinity']
  if (isRecord(affinity)) {
    const place = 'spec.nodeAffinity.required'
    if (isRecord(affinity['required'])) nodeSelector(affinity['required'], place, errors)
    else errors.push(fieldRequired(place, 'must specify required node constraints'))
  }
  persistentSource(spec, 'spec', errors)
  if (isRecord(spec['local']) && at(affinity, 'required') === undefined) {
    errors.push(fieldRequired('spec.nodeAffinity', 'Local volume requires node affinity'))
  }
  if (text('hostPath', 'path')(spec) === '/' && spec['persistentVolumeReclaimPolicy'] === 'Recycle') {
    const why = "may not be 'recycle' for a hostPath mount of '/'"
    errors.push(fieldForbidden('spec.persistentVolumeReclaimPolicy', why))
  }
  optionalName(spec['storageClassName'], subdomainProblems, 'spec.storageClassName', errors)
  oneOf(spec['volumeMode'], VOLUME_MODES, 'spec.volumeMode', errors)
  const attributes = spec['volumeAttributesClassName']
  if (attributes !== undefined) {
    const place = 'spec.volumeAttributesClassName'
    if (attributes === '') errors.push(fieldRequired(place, 'an empty string is disallowed'))
    else optionalName(attributes, subdomainProblems, place, errors)
    if (spec['csi'] === undefined) {
      errors.push(fieldRequired('spec.csi', 'has to be specified when using volumeAttributesClassName'))
    }
  }
  return errors
}

function checkCapacity(capacity: unknown, errors: Errors): void {
  const amounts = isRecord(capacity) ? capacity : {}
  const names = Object.keys(amounts)
  if (names.length === 0) errors.push(fieldRequired('spec.capacity'))
  if (names.length !== 1 || amounts['storage'] === undefined) {
    const sorted = names.length === 0 ? null : Object.fromEntries(names.toSorted().map((name) => [name, amounts[name]]))
    errors.push(fieldNotSupported('spec.capacity', sorted as Json, ['storage']))
  }
  for (const name of names) {
    if (quantityValue(amounts[name]) > 0n) continue
    errors.push(fieldInvalid(`spec.capacity[${name}]`, amounts[name] as string, 'must be greater than zero'))
  }
}

function oldClass({ metadata }: AnyObject, warnings: string[]): void {
  const old = 'volume.beta.kubernetes.io/storage-class'
  if (metadata.annotations?.[old] === undefined) return
  warnings.push(`metadata.annotations[${old}]: deprecated since v1.8; use "storageClassName" attribute instead`)
}

export const volumeStrategy: Strategy = {
  warn(object) {
    const warnings: string[] = []
    oldClass(object, warnings)
    if (at(object, 'spec', 'persistentVolumeReclaimPolicy') === 'Recycle') {
      const why = 'Instead, the recommended approach is to use dynamic provisioning.'
      warnings.push(`spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. ${why}`)
    }
    return warnings
  },
  prepareCreate: (object, { now }) =>
    protectedBy(VOLUME_PROTECTION, { ...object, status: { phase: 'Pending', lastPhaseTransitionTime: now } }),
  prepareStatus(object, live, _subresource, { now }) {
    const status = isRecord(object['status']) ? object['status'] : {}
    if (status['phase'] === at(live, 'status', 'phase')) return object
    const stated = status['lastPhaseTransitionTime']
    if (stated !== undefined && stated !== at(live, 'status', 'lastPhaseTransitionTime')) return object
    return { ...object, status: { ...status, lastPhaseTransitionTime: now } }
  },
  validate(object, live) {
    const spec = specOf(object)
    const errors = volumeErrors(spec)
    if (live === undefined) return errors
    const before = specOf(live)
    if (!deepEqual(sourceOf(spec), sourceOf(before))) {
      const path = 'spec.persistentvolumesource'
      errors.push(fieldForbidden(path, `${path} is immutable after creation`))
    }
    unchanged(spec['volumeMode'], spec['volumeMode'] === before['volumeMode'], 'volumeMode', errors)
    const affinity = before['nodeAffinity']
    if (affinity !== undefined && !deepEqual(spec['nodeAffinity'] as Json, affinity as Json)) {
      unchanged(spec['nodeAffinity'], false, 'spec.nodeAffinity', errors)
    }
    return errors
  },
  validateStatus: () => [],
}

/** The class for claims that name none: of those marked as default the newest. */
function defaultClass(context: StrategyContext): string | undefined {
  const marked = context
    .list('storage.k8s.io', 'storageclasses')
    .filter(({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true')
  const age = ({ metadata }: AnyObject): string => metadata.creationTimestamp ?? ''
  const byName = marked.toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
  return byName.toSorted((left, right) => (age(left) > age(right) ? -1 : age(left) < age(right) ? 1 : 0))[0]?.metadata
    .name
}

const CLAIMS = { group: '', resource: 'persistentvolumeclaims' }

/** Whether the class of a claim can give it more room. */
function checkResize(object: AnyObject, live: AnyObject, context: StrategyContext): void {
  const wanted = quantityValue(at(object, 'spec', 'resources', 'requests', 'storage'))
  if (wanted <= quantityValue(at(live, 'spec', 'resources', 'requests', 'storage'))) return
  const refuse = (why: string): Error => forbidden(CLAIMS, object.metadata.name, why)
  if (text('status', 'phase')(live) !== 'Bound') return
  const name = text('spec', 'storageClassName')(object)
  const found = context.list('storage.k8s.io', 'storageclasses').find(({ metadata }) => metadata.name === name)
  if (found?.['allowVolumeExpansion'] !== true) {
    throw refuse(
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    )
  }
}

const CLAIM_FIXED =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

/** What of a claim may change after it was made: it gets a volume, and more room once it has one. */
function claimChangeErrors(object: AnyObject, live: AnyObject): FieldError[] {
  const errors: Errors = []
  const [spec, before] = [specOf(object), specOf(live)]
  const essence: Record<string, unknown> = { ...spec }
  if (text('volumeName')(before) === '') essence['volumeName'] = before['volumeName']
  if (before['storageClassName'] === undefined) essence['storageClassName'] = before['storageClassName']
  const bound = text('status', 'phase')(live) === 'Bound'
  if (bound) {
    essence['resources'] = before['resources']
    essence['volumeAttributesClassName'] = before['volumeAttributesClassName']
  }
  if (!deepEqual(defined(essence), defined(before))) errors.push(fieldForbidden('spec', CLAIM_FIXED))
  const storage = (one: AnyObject): bigint => quantityValue(at(one, 'spec', 'resources', 'requests', 'storage'))
  if (bound && storage(object) < storage(live)) {
    const has = quantityValue(at(live, 'status', 'capacity', 'storage'))
    if (storage(object) <= has) {
      errors.push(fieldForbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
    }
  }
  unchanged(spec['volumeMode'], spec['volumeMode'] === before['volumeMode'], 'volumeMode', errors)
  return errors
}

function defined(spec: Spec): Json {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)) as Json
}

/** The old and the new field for what a claim begins with say the same where both can. */
function withSources(object: AnyObject): AnyObject {
  const spec = specOf(object)
  const { dataSource, dataSourceRef } = spec
  if (dataSource === undefined && dataSourceRef === undefined) return object
  const group = text('apiGroup')(dataSource)
  const kind = text('kind')(dataSource)
  const known =
    (kind === 'PersistentVolumeClaim' && group === '') ||
    (kind === 'VolumeSnapshot' && group === 'snapshot.storage.k8s.io')
  const { dataSource: _old, ...rest } = spec
  if (dataSource !== undefined && !known) {
    return dataSourceRef === undefined ? { ...object, spec: rest } : { ...object, spec }
  }
  if (dataSourceRef === undefined) return { ...object, spec: { ...spec, dataSourceRef: dataSource } }
  if (dataSource === undefined && text('namespace')(dataSourceRef) === '') {
    return { ...object, spec: { ...spec, dataSource: dataSourceRef } }
  }
  return object
}

export const claimStrategy: Strategy = {
  warn(object) {
    const warnings: string[] = []
    oldClass(object, warnings)
    const asked = at(object, 'spec', 'resources', 'requests', 'storage')
    fraction(asked, 'spec.resources.requests[storage]', warnings)
    return warnings
  },
  prepareCreate(object, context) {
    const spec = specOf(object)
    const general = spec['storageClassName'] === undefined ? defaultClass(context) : undefined
    const classed = general === undefined ? object : { ...object, spec: { ...spec, storageClassName: general } }
    return protectedBy(CLAIM_PROTECTION, { ...withSources(classed), status: { phase: 'Pending' } })
  },
  prepareUpdate(object, live, context) {
    checkResize(object, live, context)
    return withSources(object)
  },
  validate(object, live) {
    const errors = claimSpecErrors(object['spec'], 'spec')
    const { dataSource, dataSourceRef } = specOf(object)
    if (isRecord(dataSource) && isRecord(dataSourceRef)) {
      const { namespace: _namespace, ...reference } = dataSourceRef
      if (!deepEqual(dataSource as Json, reference as Json)) {
        errors.push(fieldInvalid('spec', {}, 'must match dataSourceRef'))
      }
    }
    return live === undefined ? errors : [...errors, ...claimChangeErrors(object, live)]
  },
  validateStatus(object) {
    const errors: Errors = []
    const capacity = at(object, 'status', 'capacity')
    for (const [name, amount] of Object.entries(isRecord(capacity) ? capacity : {})) {
      if (quantityValue(amount) < 0n) {
        const field = `status.capacity[${name}]`
        const message = `Invalid value: ${String(amount)}: must be a valid resource quantity`
        errors.push({ reason: 'FieldValueInvalid', message, field })
      }
    }
    return errors
  },
}

const BINDING_MODES = ['Immediate', 'WaitForFirstConsumer']

function checkTopologies(object: AnyObject, errors: Errors): void {
  for (const [index, term] of recordsAt(object, 'allowedTopologies').entries()) {
    const keys = new Set<string>()
    for (const [place, requirement] of recordsAt(term, 'matchLabelExpressions').entries()) {
      const path = `allowedTopologies[${index}].matchLabelExpressions[${place}]`
      const key = text('key')(requirement)
      const values = (requirement['values'] ?? []) as string[]
      if (values.length === 0) errors.push(fieldRequired(`${path}.values`))
      for (const [at, value] of values.entries()) {
        if (values.indexOf(value) < at) errors.push(fieldDuplicate(`${path}.values[${at}]`, value))
        refuse(labelValueProblems(value), value, `${path}.values[${at}]`, errors)
      }
      qualified(key, `${path}.key`, errors)
      if (keys.has(key)) errors.push(fieldDuplicate(`${path}.key`, key))
      keys.add(key)
    }
  }
}

/** A class of storage: what makes the volumes, and how, stays. */
export const storageClassStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const provisioner = text('provisioner')(object)
    if (provisioner === '') errors.push(fieldRequired('provisioner'))
    else qualified(provisioner.toLowerCase(), 'provisioner', errors)
    const parameters = isRecord(object['parameters']) ? object['parameters'] : {}
    if (Object.hasOwn(parameters, '')) errors.push(fieldInvalid('parameters', '', 'field can not be empty.'))
    oneOf(object['reclaimPolicy'], ['Delete', 'Retain'], 'reclaimPolicy', errors)
    if (object['volumeBindingMode'] === undefined) errors.push(fieldRequired('volumeBindingMode'))
    else oneOf(object['volumeBindingMode'], BINDING_MODES, 'volumeBindingMode', errors)
    checkTopologies(object, errors)
    if (live === undefined) return errors
    for (const field of ['parameters', 'provisioner', 'reclaimPolicy']) {
      if (deepEqual((object[field] ?? null) as Json, (live[field] ?? null) as Json)) continue
      errors.push(fieldForbidden(field, `updates to ${field} are forbidden.`))
    }
    const mode = 'volumeBindingMode'
    unchanged(object[mode], object[mode] === live[mode], mode, errors)
    return errors
  },
}
