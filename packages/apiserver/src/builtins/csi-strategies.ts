import {
  deepEqual,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '@locktender/kube'
import type { Json, JsonObject } from '@locktender/kube'
import { subdomainProblems } from '../objects/dns-names.ts'
import { isRecord } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import type { Strategy } from '../served-resource.ts'
import { accessModes } from './claim-rules.ts'
import { at, recordsAt, text } from './cells.ts'
import { quantityValue } from './quantity.ts'
import { notNegative, oneOf, qualified, refuse, required, unchanged } from './rules.ts'
import type { Errors } from './rules.ts'
import { ATTRIBUTES_CLASS_PROTECTION, protectedBy } from './storage-strategies.ts'
import { driverName, persistentSource } from './volume-rules.ts'

/** Whether fields are the same, absent or not. */
function same(one: unknown, other: unknown): boolean {
  return deepEqual((one ?? null) as Json, (other ?? null) as Json)
}

const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType']
const LIFECYCLES = ['Persistent', 'Ephemeral']

/** Seconds between two looks at how many volumes a node takes. */
const SHORTEST_PERIOD = 10
/** Seconds for which a token may be asked. */
const SHORTEST_TOKEN = 600
const LONGEST_TOKEN = 2 ** 32

function tokenRequests(requests: readonly Record<string, unknown>[], path: string, errors: Errors): void {
  const audiences = new Set<string>()
  for (const [index, request] of requests.entries()) {
    const audience = text('audience')(request)
    const { expirationSeconds: seconds } = request
    const place = `${path}[${index}].expirationSeconds`
    if (audiences.has(audience)) {
      errors.push(fieldDuplicate(`${path}[${index}].audience`, audience))
      continue
    }
    audiences.add(audience)
    if (typeof seconds !== 'number') continue
    if (seconds < SHORTEST_TOKEN) {
      errors.push(fieldInvalid(place, seconds, 'may not specify a duration less than 10 minutes'))
    }
    if (seconds > LONGEST_TOKEN) {
      errors.push(fieldInvalid(place, seconds, 'may not specify a duration larger than 2^32 seconds'))
    }
  }
}

const TOKENS_IN_ATTRIBUTES =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible ' +
  'logging of tokens in volume attributes'

/** What a driver of volumes can do. */
export const driverStrategy: Strategy = {
  prepareUpdate(object, live) {
    if (same(object['spec'], live['spec'])) return object
    return { ...object, metadata: { ...object.metadata, generation: (live.metadata.generation ?? 0) + 1 } }
  },
  validate(object, live) {
    const errors: Errors = []
    const spec = isRecord(object['spec']) ? object['spec'] : {}
    oneOf(spec['fsGroupPolicy'], FS_GROUP_POLICIES, 'spec.fsGroupPolicy', errors)
    const requests = recordsAt(spec, 'tokenRequests')
    tokenRequests(requests, 'spec.tokenRequests', errors)
    for (const mode of (spec['volumeLifecycleModes'] ?? []) as string[]) {
      if (!LIFECYCLES.includes(mode)) errors.push(fieldNotSupported('spec.volumeLifecycleModes', mode, LIFECYCLES))
    }
    const { nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets: secret } = spec
    if (typeof period === 'number' && period < SHORTEST_PERIOD) {
      const why = `must be greater than or equal to ${SHORTEST_PERIOD} seconds`
      errors.push(fieldInvalid('spec.nodeAllocatableUpdatePeriodSeconds', period, why))
    }
    if (typeof secret === 'boolean' && requests.length === 0) {
      const why = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'
      errors.push(fieldInvalid('spec.serviceAccountTokenInSecrets', secret, why))
    }
    if (live === undefined) return errors
    const before = isRecord(live['spec']) ? live['spec'] : {}
    for (const [field, told] of [
      ['attachRequired', 'attachedRequired'],
      ['volumeLifecycleModes', 'volumeLifecycleModes'],
    ] as const) {
      unchanged(spec[field], same(spec[field], before[field]), `spec.${told}`, errors)
    }
    return errors
  },
  warn(object, live) {
    const requests = recordsAt(object, 'spec', 'tokenRequests')
    if (requests.length === 0 || at(object, 'spec', 'serviceAccountTokenInSecrets') !== undefined) return []
    return live !== undefined && same(requests, at(live, 'spec', 'tokenRequests')) ? [] : [TOKENS_IN_ATTRIBUTES]
  },
}

/** Longest name, in bytes, that a driver has for a node. */
const LONGEST_NODE_ID = 256

function nodeDriver(driver: Record<string, unknown>, path: string, names: Set<string>, errors: Errors): void {
  const name = text('name')(driver)
  driverName(name, `${path}.name`, errors)
  const id = text('nodeID')(driver)
  if (required(id, `${path}.nodeID`, errors) && Buffer.byteLength(id) > LONGEST_NODE_ID) {
    errors.push(fieldInvalid(`${path}.nodeID`, id, `must be ${LONGEST_NODE_ID} characters or less`))
  }
  notNegative(at(driver, 'allocatable', 'count'), `${path}.allocatable.count`, errors)
  if (names.has(name)) errors.push(fieldDuplicate(`${path}.name`, name))
  names.add(name)
  const keys = new Set<string>()
  for (const key of (driver['topologyKeys'] ?? []) as string[]) {
    required(key, path, errors)
    if (keys.has(key)) errors.push(fieldDuplicate(path, key))
    keys.add(key)
    qualified(key, path, errors)
  }
}

/** What of a driver on a node stays, with the field names of the code of an API server. */
function essence(driver: Record<string, unknown>): JsonObject {
  return {
    Name: text('name')(driver),
    NodeID: text('nodeID')(driver),
    TopologyKeys: (driver['topologyKeys'] ?? null) as Json,
    Allocatable: null,
  }
}

/** Which drivers a node has. */
export const driversOfNodeStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const drivers = recordsAt(object, 'spec', 'drivers')
    const check = (): void => {
      const names = new Set<string>()
      for (const [index, driver] of drivers.entries()) nodeDriver(driver, `spec.drivers[${index}]`, names, errors)
    }
    check()
    if (live === undefined) return errors
    // Told twice for an update.
    check()
    for (const before of recordsAt(live, 'spec', 'drivers')) {
      const now = drivers.find(({ name }) => name === before['name'])
      if (now === undefined) continue
      unchanged(essence(now), deepEqual(essence(now), essence(before)), 'spec.drivers', errors)
    }
    return errors
  },
}

/** How much room a class of storage has somewhere. */
export const capacityStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const { nodeTopology, storageClassName, capacity } = object
    const name = text('storageClassName')(object)
    if (isRecord(nodeTopology)) checkSelector(nodeTopology, 'nodeTopology', errors)
    refuse(subdomainProblems(name), name, 'storageClassName', errors)
    if (quantityValue(capacity) < 0n) {
      errors.push(fieldInvalid('capacity', capacity as string, 'must be greater than or equal to 0'))
    }
    if (live === undefined) return errors
    unchanged(nodeTopology, same(nodeTopology, live['nodeTopology']), 'nodeTopology', errors)
    unchanged(storageClassName, storageClassName === live['storageClassName'], 'storageClassName', errors)
    return errors
  },
}

/** A volume that no object stands for. */
function inlineVolume(spec: Record<string, unknown>, path: string, errors: Errors): void {
  const unfit = 'may not be specified in the context of inline volumes'
  for (const field of ['claimRef', 'capacity']) {
    if (spec[field] !== undefined) errors.push(fieldForbidden(`${path}.${field}`, unfit))
  }
  if (spec['csi'] === undefined) {
    errors.push(fieldRequired(`${path}.csi`, 'has to be specified in the context of inline volumes'))
  }
  const modes = spec['accessModes']
  if (!Array.isArray(modes) || modes.length === 0) errors.push(fieldRequired(`${path}.accessModes`))
  accessModes(modes, `${path}.accessModes`, errors)
  const policy = text('persistentVolumeReclaimPolicy')(spec)
  if (policy !== '' && policy !== 'Retain') {
    const why = 'may only be Retain in the context of inline volumes'
    errors.push(fieldForbidden(`${path}.persistentVolumeReclaimPolicy`, why))
  }
  persistentSource(spec, path, errors)
}

const ONE_SOURCE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

function attachmentSpec(spec: unknown, errors: Errors): void {
  required(text('attacher')(spec), 'spec.attacher', errors)
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = at(spec, 'source') as Record<string, unknown>
  if (inline === undefined && name === undefined) errors.push(fieldRequired('spec.source', ONE_SOURCE))
  else if (isRecord(inline)) {
    if (name === undefined) inlineVolume(inline, 'spec.source.inlineVolumeSpec', errors)
    else errors.push(fieldForbidden('spec.source', ONE_SOURCE))
  } else required(name, 'spec.source.persistentVolumeName', errors, 'must specify non empty persistentVolumeName')
  const node = text('nodeName')(spec)
  refuse(subdomainProblems(node), node, 'spec.nodeName', errors)
}

/** Most bytes that what a driver says of an attachment, and the message of an error, may have. */
const LARGEST_METADATA = 256 * 1024
const LONGEST_MESSAGE = 1024

function attachmentStatus(status: unknown, errors: Errors): void {
  if (bytesOf(at(status, 'attachmentMetadata')) > LARGEST_METADATA) {
    errors.push(fieldTooLong('status.attachmentMetadata', LARGEST_METADATA))
  }
  for (const field of ['attachError', 'detachError']) {
    const path = `status.${field}`
    if (Buffer.byteLength(text(field, 'message')(status)) > LONGEST_MESSAGE) {
      errors.push(fieldTooLong(`${path}.message`, LARGEST_METADATA))
    }
    const code = at(status, field, 'errorCode')
    if (typeof code === 'number' && code < 0) {
      errors.push(fieldInvalid(`${path}.errorCode`, code, 'must be between 0 and 2147483647, inclusive'))
    }
  }
}

function bytesOf(map: unknown): number {
  let bytes = 0
  for (const [key, value] of Object.entries(isRecord(map) ? map : {})) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value))
  }
  return bytes
}

/** A volume that is to be attached to a node: which, and to which, stays. */
export const attachmentStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const { spec } = object
    attachmentSpec(spec, errors)
    attachmentStatus(object['status'], errors)
    const { persistentVolumeName: name, inlineVolumeSpec: inline } = at(spec, 'source') as Record<string, unknown>
    if (live === undefined) {
      driverName(text('attacher')(spec), 'spec.attacher', errors)
      if (typeof name === 'string') refuse(subdomainProblems(name), name, 'spec.source.persistentVolumeName', errors)
      return errors
    }
    const shown = {
      Attacher: text('attacher')(spec),
      Source: { PersistentVolumeName: name ?? null, InlineVolumeSpec: inline ?? null },
      NodeName: text('nodeName')(spec),
    }
    unchanged(shown, same(spec, live['spec']), 'spec', errors)
    return errors
  },
}

/** Most parameters of a class, and most bytes of all of them. */
const MOST_PARAMETERS = 512
const LARGEST_PARAMETERS = 256 * 1024

function parametersOf(parameters: unknown, errors: Errors): void {
  const keys = Object.keys(isRecord(parameters) ? parameters : {})
  if (keys.length > MOST_PARAMETERS) {
    errors.push(fieldTooLong('parameters', MOST_PARAMETERS))
    return
  }
  if (keys.includes('')) errors.push(fieldInvalid('parameters', '', 'field can not be empty.'))
  if (bytesOf(parameters) > LARGEST_PARAMETERS) errors.push(fieldTooLong('parameters', LARGEST_PARAMETERS))
  if (keys.length === 0) errors.push(fieldRequired('parameters', 'must contain at least one key/value pair'))
}

/** A class of what volumes may be changed to: it stays as it is. */
export const attributesClassStrategy: Strategy = {
  prepareCreate: (object) => protectedBy(ATTRIBUTES_CLASS_PROTECTION, object),
  validate(object, live) {
    const errors: Errors = []
    if (live !== undefined) {
      for (const field of ['driverName', 'parameters']) {
        if (same(object[field], live[field])) continue
        errors.push(fieldForbidden(field, `updates to ${field} are forbidden.`))
      }
    }
    const driver = text('driverName')(object)
    if (required(driver, 'driverName', errors)) qualified(driver.toLowerCase(), 'driverName', errors)
    parametersOf(object['parameters'], errors)
    return errors
  },
}
