import { isObject } from '@locktender/kube'
import type { Json, JsonObject } from '@locktender/kube'
import type { CustomResourceDefinition, DefinitionVersion } from './definition.ts'
import { sampleValue } from './sample-values.ts'

const hostedServices = ['APIServer', 'OAuthServer', 'Konnectivity', 'Ignition'].map((service) => ({
  service,
  servicePublishingStrategy: { type: 'Route' },
}))

const etcd = {
  managementType: 'Managed',
  managed: { storage: { type: 'PersistentVolume', persistentVolume: { size: '8Gi' } } },
}

/** For tests: what the rules of real definitions ask of the smallest object, by the name of the definition. */
const baseObjects: Readonly<Record<string, JsonObject>> = {
  'hostedclusters.hypershift.openshift.io': {
    spec: { services: hostedServices, etcd, platform: { type: 'None' } },
  },
  'nodepools.hypershift.openshift.io': {
    spec: { platform: { type: 'None' }, management: { upgradeType: 'Replace' }, replicas: 1 },
  },
  'hostedcontrolplanes.hypershift.openshift.io': {
    spec: { services: hostedServices, etcd, platform: { type: 'None' } },
  },
}

/** Path of the objects of a version, of the namespace `default` where they are namespaced. */
export function collectionPath({ spec }: CustomResourceDefinition, { name }: DefinitionVersion): string {
  const namespace = spec.scope === 'Namespaced' ? '/namespaces/default' : ''
  return `/apis/${spec.group}/${name}${namespace}/${spec.names.plural}`
}

/** The smallest object, with what the rules of the definition ask for beyond the schema. */
export function baseObject({ spec, metadata }: CustomResourceDefinition, version: DefinitionVersion): JsonObject {
  const schema = version.schema!.openAPIV3Schema!
  const own = baseObjects[metadata.name] ?? {}
  const samples = [[], ...Object.keys(own).map((property) => [{ property }])].map((steps) =>
    sampleValue(schema, 0, steps),
  )
  const object = [...samples, own].reduce(merge) as JsonObject
  return {
    ...object,
    apiVersion: `${spec.group}/${version.name}`,
    kind: spec.names.kind,
    metadata: { name: 'cluster' },
  }
}

/** What `over` has, laid over `base`; items of lists by their place. */
export function merge(base: Json, over: Json): Json {
  if (Array.isArray(base) && Array.isArray(over)) {
    return over.map((item, index) => (index < base.length ? merge(base[index]!, item) : item))
  }
  if (!isObject(base) || !isObject(over)) return over
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) merged[key] = key in merged ? merge(merged[key]!, value) : value
  return merged
}
