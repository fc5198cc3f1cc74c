import type { JsonObject } from '../schema/failure.ts'

const hostedServices = ['APIServer', 'OAuthServer', 'Konnectivity', 'Ignition'].map((service) => ({
  service,
  servicePublishingStrategy: { type: 'Route' },
}))

const etcd = {
  managementType: 'Managed',
  managed: { storage: { type: 'PersistentVolume', persistentVolume: { size: '8Gi' } } },
}

/** For tests: what the rules of real definitions ask of the smallest object, by the name of the definition. */
export const baseObjects: Readonly<Record<string, JsonObject>> = {
  'hostedclusters.hypershift.openshift.io': {
    spec: { services: hostedServices, etcd, platform: { type: 'None' } },
  },
  'hostedcontrolplanes.hypershift.openshift.io': {
    spec: { services: hostedServices, etcd, platform: { type: 'None' } },
  },
}
