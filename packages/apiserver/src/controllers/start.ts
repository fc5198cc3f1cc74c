import type { Clock, KubeObject } from '@locktender/kube'
import type { KeyValueStore } from '../store/store.ts'
import type { StoredValue } from '../store/store-types.ts'
import type { CertificateAuthority } from '../auth/certificates.ts'
import { CertificateRequestCleaner } from './certificate-request-cleaner.ts'
import { CertificateSigner } from './certificate-signer.ts'
import { DefinitionController } from './definition-controller.ts'
import { EventExpiry } from './event-expiry.ts'
import { GarbageCollector } from './garbage-collector.ts'
import type { GarbageCollectorOptions } from './garbage-collector.ts'
import { NamespaceController } from './namespace-controller.ts'
import { FURNITURE, NamespaceFurniture } from './namespace-furniture.ts'
import { ObjectReader } from './object-reader.ts'
import { parseKey } from './object-writer.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { RoleAggregation } from './role-aggregation.ts'
import { StorageProtection } from './storage-protection.ts'

/** The controllers at work. */
export interface RunningControllers {
  /** Publishes in every namespace the authority, PEM, that has signed the certificate of the server. */
  publishAuthority(certificate: string): void
  stop(): void
}

export interface ControllersOptions {
  readonly clock: Clock
  readonly store: KeyValueStore
  /** The object in a stored value; may be shared, and is not changed. */
  readonly parse: (stored: Pick<StoredValue, 'key' | 'value' | 'revision'>) => KubeObject
  readonly writer: ObjectWriter
  /** Where objects of a kind are kept; undefined when nothing of that kind is served. */
  readonly resourceOf: GarbageCollectorOptions['resourceOf']
  /** Signs certificates that were asked for and approved. */
  readonly authority: CertificateAuthority
}

/**
 * Starts the controllers that belong to the server itself, for all logical clusters: garbage collection by owner,
 * deletion of namespaces and definitions, what every namespace holds, aggregated roles,
 * requests for certificates, protection of storage, and expiry of Events.
 *
 * Each value under a key of the form `/cluster/group/plural/namespace/name` must be an object.
 */
export function startControllers(options: ControllersOptions): RunningControllers {
  const { clock, store, parse, writer, authority, resourceOf } = options
  const reader = new ObjectReader(store, parse)
  const collector = new GarbageCollector({ clock, writer, reader, resourceOf })
  const namespaces = new NamespaceController({ clock, writer, reader })
  const definitions = new DefinitionController({ clock, writer, reader })
  const furniture = new NamespaceFurniture({ clock, writer })
  const aggregation = new RoleAggregation({ clock, writer })
  const signer = new CertificateSigner({ clock, writer, authority })
  const cleaner = new CertificateRequestCleaner({ clock, writer })
  const protection = new StorageProtection({ clock, writer, reader })
  const expiry = new EventExpiry({ clock, store })

  const observe = (key: string, ref: ObjectRef, object: KubeObject | undefined): void => {
    namespaces.observe(key, ref, object)
    definitions.observe(key, ref, object)
    furniture.observe(ref, object)
    aggregation.observe(ref, object)
    signer.observe(key, ref, object)
    cleaner.observe(key, ref, object)
    protection.observe(key, ref, object)
  }

  // What there is already. Most objects concern no controller, and are not even parsed.
  for (const cluster of reader.clusters()) {
    for (const { group, plural } of OBSERVED) {
      for (const { key, ref, object } of reader.ofResource(cluster, group, plural)) {
        observe(key, ref, object)
        if (plural === 'namespaces') observeFurniture(reader, furniture, ref)
      }
    }
    for (const { group, plural } of EVENTS) {
      for (const { key, object } of reader.ofResource(cluster, group, plural)) {
        expiry.restore(key, Number(object.metadata.resourceVersion), object)
      }
    }
  }
  const revision = store.revision
  for (const stored of store.range('').items) {
    if (!isMarked(stored.value)) continue
    const ref = parseKey(stored.key)
    if (ref !== undefined) collector.observe(stored.key, ref, parse(stored))
  }
  expiry.start()
  const endWatch = store.watch('', revision, (events) => {
    for (const event of events) {
      const { key, value, previous } = event
      const ref = parseKey(key)
      if (ref === undefined) continue
      const object = value === undefined ? undefined : parse({ key, value, revision: event.revision })
      observe(key, ref, object)
      collector.observe(key, ref, object, () => (previous === undefined ? undefined : parse(previous)))
      expiry.observe(key, ref, event.revision, value !== undefined)
    }
  })

  return {
    publishAuthority: (certificate) => furniture.publish(certificate),
    stop() {
      endWatch()
      for (const controller of [
        collector,
        namespaces,
        definitions,
        furniture,
        aggregation,
        signer,
        cleaner,
        protection,
        expiry,
      ])
        controller.stop()
    },
  }
}

/** What an object has in its JSON that the garbage collector keeps in mind. */
const MARKS = ['"ownerReferences"', '"deletionTimestamp"']

function isMarked(value: Uint8Array): boolean {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  return MARKS.some((mark) => bytes.includes(mark))
}

/** Resources whose objects other controllers keep in mind. */
const OBSERVED = [
  { group: '', plural: 'namespaces' },
  { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' },
  { group: 'rbac.authorization.k8s.io', plural: 'clusterroles' },
  { group: 'certificates.k8s.io', plural: 'certificatesigningrequests' },
  { group: '', plural: 'persistentvolumes' },
  { group: '', plural: 'persistentvolumeclaims' },
] as const

const EVENTS = [
  { group: '', plural: 'events' },
  { group: 'events.k8s.io', plural: 'events' },
] as const

function observeFurniture(reader: ObjectReader, furniture: NamespaceFurniture, namespace: ObjectRef): void {
  for (const { plural, name } of FURNITURE) {
    const ref = { cluster: namespace.cluster, group: '', plural, namespace: namespace.name, name }
    const object = reader.get(ref)
    if (object !== undefined) furniture.observe(ref, object)
  }
}
