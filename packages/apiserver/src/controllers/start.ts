import type { Clock, KubeObject } from '@locktender/kube'
import type { Store } from '../store/store.ts'
import type { StoredValue } from '../store/store-types.ts'
import type { CertificateAuthority } from '../auth/certificates.ts'
import { CertificateSigner } from './certificate-signer.ts'
import { DefinitionController } from './definition-controller.ts'
import { EventExpiry, isEvent } from './event-expiry.ts'
import { GarbageCollector } from './garbage-collector.ts'
import { NamespaceController } from './namespace-controller.ts'
import { NamespaceFurniture } from './namespace-furniture.ts'
import { parseKey } from './object-writer.ts'
import type { ObjectWriter } from './object-writer.ts'
import { RoleAggregation } from './role-aggregation.ts'

/** The controllers at work. */
export interface RunningControllers {
  /** Publishes in every namespace the authority, PEM, that has signed the certificate of the server. */
  publishAuthority(certificate: string): void
  stop(): void
}

export interface ControllersOptions {
  readonly clock: Clock
  readonly store: Store
  /** The object in a stored value; may be shared, and is not changed. */
  readonly parse: (stored: Pick<StoredValue, 'key' | 'value' | 'revision'>) => KubeObject
  readonly writer: ObjectWriter
  /** Signs certificates that were asked for and approved. */
  readonly authority: CertificateAuthority
}

/**
 * Starts the controllers that belong to the server itself, for all logical clusters: garbage collection by owner,
 * deletion of namespaces and definitions, what every namespace holds, aggregated roles,
 * requests for certificates, and expiry of Events.
 *
 * Each value under a key of the form `/cluster/group/plural/namespace/name` must be an object.
 */
export function startControllers(options: ControllersOptions): RunningControllers {
  const { clock, store, parse, writer, authority } = options
  const collector = new GarbageCollector({ clock, writer })
  const namespaces = new NamespaceController({ clock, writer })
  const definitions = new DefinitionController({ clock, writer })
  const furniture = new NamespaceFurniture({ clock, writer })
  const aggregation = new RoleAggregation({ clock, writer })
  const signer = new CertificateSigner({ clock, writer, authority })
  const expiry = new EventExpiry({ clock, store })

  const observe = (key: string, stored: Pick<StoredValue, 'key' | 'value' | 'revision'> | undefined) => {
    const ref = parseKey(key)
    if (ref === undefined) return
    const object = stored === undefined ? undefined : parse(stored)
    collector.observe(key, ref, object)
    namespaces.observe(key, ref, object)
    definitions.observe(key, ref, object)
    furniture.observe(ref, object)
    aggregation.observe(ref, object)
    signer.observe(key, ref, object)
  }

  const revision = store.revision
  for (const stored of store.range('', { at: revision }).items) {
    observe(stored.key, stored)
    const ref = parseKey(stored.key)
    if (ref !== undefined && isEvent(ref)) expiry.restore(stored.key, stored.revision, parse(stored))
  }
  expiry.start()
  const endWatch = store.watch('', revision, (events) => {
    for (const event of events) {
      const { key, value } = event
      observe(key, value === undefined ? undefined : { key, value, revision: event.revision })
      const ref = parseKey(key)
      if (ref !== undefined) expiry.observe(key, ref, event.revision, value !== undefined)
    }
  })

  return {
    publishAuthority: (certificate) => furniture.publish(certificate),
    stop() {
      endWatch()
      const controllers = [collector, namespaces, definitions, furniture, aggregation, signer, expiry]
      for (const controller of controllers) controller.stop()
    },
  }
}
