import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { claimSpecErrors } from './claim-rules.ts'
import { at, recordsAt, text } from './cells.ts'
import { fieldReference, resourceReference, VOLUME_FIELDS } from './reference-rules.ts'
import { labelProblems, subdomainProblems } from '../objects/dns-names.ts'
import { oneOf, refuse, required, requiredName, within } from './rules.ts'
import type { Errors } from './rules.ts'

type Source = Readonly<Record<string, unknown>>

const HOST_PATHS = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

/** Seconds a token in a volume must last at least. */
const SHORTEST_TOKEN = 600

/** Paths with a way up lead out of the volume. */
function noWayUp(path: string, field: string, errors: Errors): void {
  if (path.split('/').includes('..')) errors.push(fieldInvalid(field, path, "must not contain '..'"))
}

/** A path below a folder. */
export function pathBelow(path: string, field: string, errors: Errors): void {
  if (path.startsWith('/')) errors.push(fieldInvalid(field, path, 'must be a relative path'))
  noWayUp(path, field, errors)
}

/** The path of a file that the node writes; those with two dots in front are its own. */
function fileBelow(path: unknown, field: string, errors: Errors): void {
  if (!required(path, field, errors)) return
  pathBelow(path, field, errors)
  if (path.startsWith('..') && !path.startsWith('../')) {
    errors.push(fieldInvalid(field, path, "must not start with '..'"))
  }
}

function fileMode(mode: unknown, field: string, errors: Errors): void {
  if (typeof mode === 'number' && (mode < 0 || mode > 0o777)) {
    errors.push(fieldInvalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
  }
}

/** Keys and the files they go to. */
function keyFiles(source: Source, field: string, errors: Errors): void {
  for (const [index, item] of recordsAt(source, 'items').entries()) {
    const place = `${field}.items[${index}]`
    required(item['key'], `${place}.key`, errors)
    fileBelow(item['path'], `${place}.path`, errors)
    fileMode(item['mode'], `${place}.mode`, errors)
  }
}

function downwardFiles(source: Source, field: string, errors: Errors): void {
  for (const item of recordsAt(source, 'items')) {
    fileBelow(item['path'], `${field}.path`, errors)
    const { fieldRef, resourceFieldRef } = item
    if (isRecord(fieldRef)) {
      fieldReference(fieldRef, VOLUME_FIELDS, `${field}.fieldRef`, errors)
      if (isRecord(resourceFieldRef)) {
        errors.push(
          fieldInvalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'),
        )
      }
    } else if (isRecord(resourceFieldRef)) {
      resourceReference(resourceFieldRef, true, `${field}.resourceFieldRef`, errors)
    } else {
      errors.push(fieldRequired(field, 'one of fieldRef and resourceFieldRef is required'))
    }
    fileMode(item['mode'], `${field}.mode`, errors)
  }
}

function projectedFiles(source: Source, field: string, errors: Errors): void {
  fileMode(source['defaultMode'], `${field}.defaultMode`, errors)
  const taken = new Set<string>()
  const take = (path: unknown, name: string): void => {
    if (typeof path !== 'string' || path === '') return
    if (taken.has(path)) errors.push(fieldInvalid(field, name, 'conflicting duplicate paths'))
    taken.add(path)
  }
  for (const [index, one] of recordsAt(source, 'sources').entries()) {
    const place = `${field}.sources[${index}]`
    let kinds = 0
    const { secret, configMap, downwardAPI, serviceAccountToken } = one
    for (const [kind, keyed] of [
      ['secret', secret],
      ['configMap', configMap],
    ] as const) {
      if (!isRecord(keyed)) continue
      if (kinds++ > 0) {
        errors.push(fieldForbidden(place, 'may not specify more than 1 volume type per source'))
        continue
      }
      required(keyed['name'], `${place}.${kind}.name`, errors)
      keyFiles(keyed, `${place}.${kind}`, errors)
      for (const item of recordsAt(keyed, 'items')) take(item['path'], text('name')(keyed))
    }
    if (isRecord(downwardAPI)) {
      if (kinds++ > 0) errors.push(fieldForbidden(place, 'may not specify more than 1 volume type per source'))
      else downwardFiles(downwardAPI, `${place}.downwardAPI`, errors)
      for (const item of recordsAt(downwardAPI, 'items')) take(item['path'], 'downwardAPI')
    }
    if (isRecord(serviceAccountToken)) {
      if (kinds++ > 0) errors.push(fieldForbidden(place, 'may not specify more than 1 volume type per source'))
      else tokenFile(serviceAccountToken, field, `${place}.serviceAccountToken`, errors)
      take(serviceAccountToken['path'], 'serviceAccountToken')
    }
  }
}

function tokenFile(source: Source, field: string, place: string, errors: Errors): void {
  const seconds = source['expirationSeconds']
  if (typeof seconds === 'number' && seconds < SHORTEST_TOKEN) {
    errors.push(fieldInvalid(`${place}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
  }
  fileBelow(source['path'], `${field}.path`, errors)
}

/** Fields that sources of a kind must have. */
function fields(...names: readonly string[]): Check {
  return (source, field, errors) => {
    for (const name of names) {
      const value = source[name]
      if (value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)) {
        errors.push(fieldRequired(`${field}.${name}`))
      }
    }
  }
}

type Check = (source: Source, field: string, errors: Errors) => void

function hostPath(source: Source, field: string, errors: Errors): void {
  if (required(source['path'], `${field}.path`, errors)) {
    noWayUp(source['path'], `${field}.path`, errors)
    const { type = '' } = source
    if (!HOST_PATHS.includes(type as string)) {
      errors.push(fieldNotSupported(`${field}.type`, type as string, HOST_PATHS))
    }
  }
}

function nfs(source: Source, field: string, errors: Errors): void {
  fields('server', 'path')(source, field, errors)
  const path = text('path')(source)
  if (!path.startsWith('/')) errors.push(fieldInvalid(`${field}.path`, path, 'must be an absolute path'))
}

/** Drivers have names of several parts. */
export function driverName(name: unknown, field: string, errors: Errors): void {
  if (!required(name, field, errors)) return
  if (name.length > 63) errors.push(fieldTooLong(field, 63))
  refuse(subdomainProblems(name), name, field, errors)
}

/** What pods and persistent volumes can both be made of. */
const SHARED: Readonly<Record<string, Check>> = {
  hostPath,
  gcePersistentDisk(source, field, errors) {
    const place = field.replace(/gcePersistentDisk$/, 'persistentDisk')
    fields('pdName')(source, place, errors)
    const partition = source['partition']
    if (typeof partition === 'number' && partition !== 0) within(partition, 1, 255, `${place}.partition`, errors)
  },
  awsElasticBlockStore(source, field, errors) {
    fields('volumeID')(source, field, errors)
    const partition = source['partition']
    if (typeof partition === 'number' && partition !== 0) within(partition, 1, 255, `${field}.partition`, errors)
  },
  nfs,
  iscsi: fields('targetPortal', 'iqn'),
  glusterfs: fields('endpoints', 'path'),
  rbd: fields('monitors', 'image'),
  cinder: fields('volumeID'),
  cephfs: fields('monitors'),
  quobyte: fields('registry', 'volume'),
  fc(source, field, errors) {
    const some = (name: string): boolean => Array.isArray(source[name]) && source[name].length > 0
    if (some('targetWWNs') === some('wwids')) {
      errors.push(fieldRequired(`${field}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both'))
    }
  },
  flexVolume: fields('driver'),
  azureFile: fields('secretName', 'shareName'),
  vsphereVolume: fields('volumePath'),
  photonPersistentDisk: fields('pdID'),
  portworxVolume: fields('volumeID'),
  azureDisk: fields('diskName', 'diskURI'),
  scaleIO: fields('gateway', 'system', 'volumeName'),
}

/** What a volume of a pod can be made of, in the order in which Kubernetes looks. */
const OF_PODS: Readonly<Record<string, Check>> = {
  emptyDir(source, field, errors) {
    if (text('sizeLimit')(source).startsWith('-')) {
      errors.push(fieldForbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
    }
  },
  gitRepo(source, field, errors) {
    fields('repository')(source, field, errors)
    pathBelow(text('directory')(source), `${field}.directory`, errors)
  },
  secret(source, field, errors) {
    fields('secretName')(source, field, errors)
    fileMode(source['defaultMode'], `${field}.defaultMode`, errors)
    keyFiles(source, field, errors)
  },
  persistentVolumeClaim: fields('claimName'),
  downwardAPI(source, field, errors) {
    fileMode(source['defaultMode'], `${field}.defaultMode`, errors)
    downwardFiles(source, field, errors)
  },
  configMap(source, field, errors) {
    fields('name')(source, field, errors)
    fileMode(source['defaultMode'], `${field}.defaultMode`, errors)
    keyFiles(source, field, errors)
  },
  projected: projectedFiles,
  csi(source, field, errors) {
    driverName(source['driver'], `${field}.driver`, errors)
    const secret = source['nodePublishSecretRef']
    if (isRecord(secret)) required(secret['name'], `${field}.nodePublishSecretRef.name`, errors)
  },
  ephemeral(source, field, errors) {
    const template = source['volumeClaimTemplate']
    if (!isRecord(template)) errors.push(fieldRequired(`${field}.volumeClaimTemplate`))
    else errors.push(...claimSpecErrors(template['spec'], `${field}.volumeClaimTemplate.spec`))
  },
  image(source, field, errors) {
    fields('reference')(source, field, errors)
    oneOf(source['pullPolicy'], ['Always', 'IfNotPresent', 'Never'], `${field}.pullPolicy`, errors)
  },
  ...SHARED,
}

/** What a persistent volume can be made of. */
const PERSISTENT: Readonly<Record<string, Check>> = {
  ...SHARED,
  local: fields('path'),
  storageos() {},
  csi(source, field, errors) {
    driverName(source['driver'], `${field}.driver`, errors)
    required(source['volumeHandle'], `${field}.volumeHandle`, errors)
  },
}

/** Checks the one source of a volume; how many there are. */
function sourceErrors(volume: Source, known: Readonly<Record<string, Check>>, path: string, errors: Errors): number {
  let count = 0
  for (const name in known) {
    const source = volume[name]
    if (!isRecord(source)) continue
    const field = path === '' ? name : `${path}.${name}`
    if (count++ > 0) errors.push(fieldForbidden(field, 'may not specify more than 1 volume type'))
    else known[name]!(source, field, errors)
  }
  return count
}

/** The source of a persistent volume at `path`. */
export function persistentSource(spec: Source, path: string, errors: Errors): void {
  if (sourceErrors(spec, PERSISTENT, path, errors) === 0) {
    errors.push(fieldRequired(path, 'must specify a volume type'))
  }
}

/** Volumes of a pod; returns them by their names. */
export function podVolumes(spec: unknown, path: string, errors: Errors): ReadonlyMap<unknown, Source> {
  const volumes = new Map<unknown, Source>()
  for (const [index, volume] of recordsAt(spec, 'volumes').entries()) {
    const place = `${path}.volumes[${index}]`
    sourceErrors(volume, OF_PODS, place, errors)
    const name = volume['name']
    requiredName(name, labelProblems, `${place}.name`, errors)
    if (volumes.has(name)) errors.push(fieldDuplicate(`${place}.name`, text('name')(volume)))
    const token = recordsAt(volume, 'projected', 'sources').findIndex((one) => isRecord(one['serviceAccountToken']))
    if (token !== -1 && path === 'spec' && text('serviceAccountName')(spec) === '') {
      const why = 'must not be specified when serviceAccountName is not set'
      errors.push(fieldForbidden(`${place}.projected.sources[${token}].serviceAccountToken`, why))
    }
    volumes.set(name, volume)
  }
  return volumes
}

/** Whether a volume is one whose raw blocks a container can have. */
export function hasBlocks(volume: Source): boolean {
  return at(volume, 'persistentVolumeClaim') !== undefined || at(volume, 'ephemeral') !== undefined
}
