import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { ageColumn, nameColumn } from '../present/table-cells.ts'
import { at, column, recordsAt, text, wide } from './cells.ts'
import { nodeStrategy } from './node-strategies.ts'
import { builtIn } from './serve.ts'
import { claimStrategy, volumeStrategy } from './storage-strategies.ts'

const ROLE = 'node-role.kubernetes.io/'
const ROLE_LABEL = 'kubernetes.io/role'

function nodeStatus(object: AnyObject): string {
  const ready = recordsAt(object, 'status', 'conditions').find(({ type }) => type === 'Ready')
  const state = ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady'
  return at(object, 'spec', 'unschedulable') === true ? `${state},SchedulingDisabled` : state
}

function roles(object: AnyObject): string {
  const found = Object.entries(object.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(ROLE) && key.length > ROLE.length) return [key.slice(ROLE.length)]
    return key === ROLE_LABEL && value !== '' ? [value] : []
  })
  return [...new Set(found)].toSorted().join(',') || '<none>'
}

function nodeAddress(type: string): (object: AnyObject) => string {
  return (object) => {
    const found = recordsAt(object, 'status', 'addresses').find((one) => one['type'] === type)
    return found === undefined ? '<none>' : text('address')(found)
  }
}

const nodeInfo = (field: string): ((object: AnyObject) => string) => {
  return (object) => text('status', 'nodeInfo', field)(object) || '<unknown>'
}

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

function accessModes(modes: unknown): string {
  return Array.isArray(modes) ? modes.map((mode) => MODES[String(mode)] ?? String(mode)).join(',') : ''
}

function claim(object: AnyObject): string {
  const reference = at(object, 'spec', 'claimRef')
  return isRecord(reference) ? `${text('namespace')(reference)}/${text('name')(reference)}` : ''
}

const attributesClass = column('VolumeAttributesClass', (object) => {
  return text('spec', 'volumeAttributesClassName')(object) || '<unset>'
})
const volumeMode = wide('VolumeMode', (object) => text('spec', 'volumeMode')(object) || '<unset>')

export const clusterResources: readonly ServedResource[] = [
  builtIn('v1', {
    kind: 'Node',
    plural: 'nodes',
    namespaced: false,
    shortNames: ['no'],
    status: true,
    statusAtOnce: true,
    columns: [
      nameColumn,
      column('Status', nodeStatus),
      column('Roles', roles),
      ageColumn,
      column('Version', text('status', 'nodeInfo', 'kubeletVersion')),
      wide('Internal-IP', nodeAddress('InternalIP')),
      wide('External-IP', nodeAddress('ExternalIP')),
      wide('OS-Image', nodeInfo('osImage')),
      wide('Kernel-Version', nodeInfo('kernelVersion')),
      wide('Container-Runtime', nodeInfo('containerRuntimeVersion')),
    ],
    fields: { 'spec.unschedulable': (object) => String(at(object, 'spec', 'unschedulable') === true) },
    strategy: nodeStrategy,
  }),
  builtIn('v1', {
    kind: 'PersistentVolume',
    plural: 'persistentvolumes',
    namespaced: false,
    shortNames: ['pv'],
    status: true,
    answersDeleted: true,
    columns: [
      nameColumn,
      column('Capacity', text('spec', 'capacity', 'storage')),
      column('Access Modes', (object) => accessModes(at(object, 'spec', 'accessModes'))),
      column('Reclaim Policy', text('spec', 'persistentVolumeReclaimPolicy')),
      column('Status', (object) =>
        object.metadata.deletionTimestamp === undefined ? text('status', 'phase')(object) : 'Terminating',
      ),
      column('Claim', claim),
      column('StorageClass', text('spec', 'storageClassName')),
      attributesClass,
      column('Reason', text('status', 'reason')),
      ageColumn,
      volumeMode,
    ],
    strategy: volumeStrategy,
  }),
  builtIn('v1', {
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
    namespaced: true,
    shortNames: ['pvc'],
    status: true,
    answersDeleted: true,
    columns: [
      nameColumn,
      column('Status', (object) =>
        object.metadata.deletionTimestamp === undefined ? text('status', 'phase')(object) : 'Terminating',
      ),
      column('Volume', text('spec', 'volumeName')),
      column('Capacity', text('status', 'capacity', 'storage')),
      column('Access Modes', (object) => accessModes(at(object, 'status', 'accessModes'))),
      column('StorageClass', text('spec', 'storageClassName')),
      attributesClass,
      ageColumn,
      volumeMode,
    ],
    strategy: claimStrategy,
  }),
]
