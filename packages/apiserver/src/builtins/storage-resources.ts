import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { ageColumn, nameColumn } from '../present/table-cells.ts'
import { at, column, recordsAt, text, textOrNone } from './cells.ts'
import {
  attachmentStrategy,
  attributesClassStrategy,
  capacityStrategy,
  driversOfNodeStrategy,
  driverStrategy,
} from './csi-strategies.ts'
import { builtIn } from './serve.ts'
import { storageClassStrategy } from './storage-strategies.ts'

function flag(name: string, ...path: readonly string[]): ReturnType<typeof column> {
  return column(name, (object) => at(object, ...path) === true, 'boolean')
}

function audiences(object: AnyObject): string {
  const requests = recordsAt(object, 'spec', 'tokenRequests')
  return requests.length === 0 ? '<unset>' : requests.map(text('audience')).join(',')
}

function isDefault({ annotations }: AnyObject['metadata']): boolean {
  return annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true'
}

/** Classes of storage, and what drivers of volumes, and those who talk to them, keep. */
export const storageResources: readonly ServedResource[] = [
  builtIn('storage.k8s.io/v1', {
    kind: 'CSIDriver',
    plural: 'csidrivers',
    namespaced: false,
    answersDeleted: true,
    unconditionalUpdate: false,
    columns: [
      nameColumn,
      flag('AttachRequired', 'spec', 'attachRequired'),
      flag('PodInfoOnMount', 'spec', 'podInfoOnMount'),
      flag('StorageCapacity', 'spec', 'storageCapacity'),
      column('TokenRequests', audiences),
      flag('RequiresRepublish', 'spec', 'requiresRepublish'),
      column('Modes', (object) => (at(object, 'spec', 'volumeLifecycleModes') as string[]).join(',')),
      ageColumn,
    ],
    strategy: driverStrategy,
  }),
  builtIn('storage.k8s.io/v1', {
    kind: 'CSINode',
    plural: 'csinodes',
    namespaced: false,
    answersDeleted: true,
    unconditionalUpdate: false,
    columns: [
      nameColumn,
      column('Drivers', (object) => recordsAt(object, 'spec', 'drivers').length, 'integer'),
      ageColumn,
    ],
    strategy: driversOfNodeStrategy,
  }),
  builtIn('storage.k8s.io/v1', {
    kind: 'CSIStorageCapacity',
    plural: 'csistoragecapacities',
    namespaced: true,
    unconditionalUpdate: false,
    columns: [nameColumn, column('Created At', (object) => object.metadata.creationTimestamp, 'date')],
    strategy: capacityStrategy,
  }),
  builtIn('storage.k8s.io/v1', {
    kind: 'StorageClass',
    plural: 'storageclasses',
    namespaced: false,
    shortNames: ['sc'],
    answersDeleted: true,
    columns: [
      { ...nameColumn, cell: ({ metadata }) => `${metadata.name}${isDefault(metadata) ? ' (default)' : ''}` },
      column('Provisioner', text('provisioner')),
      column('ReclaimPolicy', textOrNone('reclaimPolicy')),
      column('VolumeBindingMode', textOrNone('volumeBindingMode')),
      column('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] === true, 'boolean'),
      ageColumn,
    ],
    strategy: storageClassStrategy,
  }),
  builtIn('storage.k8s.io/v1', {
    kind: 'VolumeAttachment',
    plural: 'volumeattachments',
    namespaced: false,
    status: true,
    answersDeleted: true,
    unconditionalUpdate: false,
    columns: [
      nameColumn,
      { ...column('Attacher', text('spec', 'attacher')), format: 'name' },
      column('PV', text('spec', 'source', 'persistentVolumeName')),
      column('Node', text('spec', 'nodeName')),
      flag('Attached', 'status', 'attached'),
      ageColumn,
    ],
    strategy: attachmentStrategy,
  }),
  builtIn('storage.k8s.io/v1', {
    kind: 'VolumeAttributesClass',
    plural: 'volumeattributesclasses',
    namespaced: false,
    shortNames: ['vac'],
    answersDeleted: true,
    columns: [nameColumn, column('DriverName', text('driverName')), ageColumn],
    strategy: attributesClassStrategy,
  }),
]
