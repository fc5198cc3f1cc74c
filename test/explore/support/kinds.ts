import type { KubeObject, OwnerReference, Resource } from '@locktender/kube'
import { definitionOf } from '@locktender/runtime/explore'

export { configMaps, deployments, secrets } from '@locktender/kube'

/** Where everything of the zoo lives: one API server, one namespace. */
export const MAIN = 'main'
export const NAMESPACE = 'default'

function builtIn(group: string, plural: string, kind: string): Resource {
  return { group, version: 'v1', plural, kind, namespaced: true }
}

export const pods = builtIn('', 'pods', 'Pod')
export const claims = builtIn('', 'persistentvolumeclaims', 'PersistentVolumeClaim')
export const services = builtIn('', 'services', 'Service')
export const statefulSets = builtIn('apps', 'statefulsets', 'StatefulSet')

/** What the operators of the zoo are told by their users; every operator reads its own fields. */
export const databases = builtIn('zoo.example.com', 'databases', 'Database')
/** A second kind, for operators that have two. */
export const accounts = builtIn('zoo.example.com', 'accounts', 'Account')

export interface Custom<Spec extends object = object, Status extends object = object> extends KubeObject {
  spec: Spec
  status?: Status
}

export interface StatefulSet extends KubeObject {
  spec: {
    replicas: number
    selector: { matchLabels: Record<string, string> }
    template: { metadata: { labels: Record<string, string>; annotations?: Record<string, string> }; spec: object }
    volumeClaimTemplates?: { metadata: { name: string }; spec: ClaimSpec }[]
  }
}

export interface ClaimSpec {
  accessModes: string[]
  resources: { requests: { storage: string } }
}

export interface Claim extends KubeObject {
  spec: ClaimSpec
  status?: { phase?: string; capacity?: { storage: string } }
}

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

export const definitions: readonly KubeObject[] = [definitionOf(databases), definitionOf(accounts)]

/** Volumes of the zoo may grow. */
export const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'zoo', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: 'zoo.example.com/disks',
  allowVolumeExpansion: true,
}

interface Meta {
  readonly owner?: KubeObject | undefined
  readonly labels?: Record<string, string>
  readonly annotations?: Record<string, string>
  readonly finalizers?: string[]
}

/** Metadata of an object of the zoo, with its owner as its controller. */
export function meta(name: string, { owner, ...rest }: Meta = {}): KubeObject['metadata'] {
  return { name, namespace: NAMESPACE, ...rest, ...(owner && { ownerReferences: [ownerReference(owner)] }) }
}

function ownerReference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid!, controller: true, blockOwnerDeletion: true }
}

export function ownedBy(object: KubeObject, uid: string | undefined): boolean {
  return (object.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid)
}

export function database<Spec extends object>(name: string, spec: Spec, more: Meta = {}): Custom<Spec> {
  return { apiVersion: 'zoo.example.com/v1', kind: 'Database', metadata: meta(name, more), spec }
}

export function account<Spec extends object>(name: string, spec: Spec, more: Meta = {}): Custom<Spec> {
  return { apiVersion: 'zoo.example.com/v1', kind: 'Account', metadata: meta(name, more), spec }
}

export function configMap(name: string, data: Record<string, string>, more: Meta = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(name, more), data }
}

export function secret(name: string, stringData: Record<string, string>, more: Meta = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: meta(name, more), stringData } as KubeObject
}

export function service(name: string, port: number, more: Meta = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta(name, more),
    spec: { clusterIP: 'None', selector: { app: name }, ports: [{ port }] },
  } as KubeObject
}

const containers = [{ name: 'server', image: 'registry.example.com/server:1' }]

export function pod(name: string, more: Meta = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: meta(name, more), spec: { containers } } as KubeObject
}

export function claimSpec(size: string): ClaimSpec {
  return { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: size } } }
}

interface StatefulSetParts {
  readonly replicas: number
  /** Of the volume of each pod; without it, pods have none. */
  readonly size?: string
  readonly annotations?: Record<string, string>
}

export function statefulSet(name: string, parts: StatefulSetParts, more: Meta = {}): StatefulSet {
  const labels = { app: name }
  const { replicas, size, annotations } = parts
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: meta(name, more),
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels, ...(annotations && { annotations }) }, spec: { containers } },
      ...(size !== undefined && { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claimSpec(size) }] }),
    },
  }
}
