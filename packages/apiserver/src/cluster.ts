import { customResourceDefinitions, namespaces } from '@locktender/kube'
import type { Resource } from '@locktender/kube'
import { AdmissionConfiguration } from './admission/configuration.ts'
import { WebhookClient } from './admission/webhook-client.ts'
import type { ServiceResolver } from './admission/webhook-client.ts'
import type { AdmissionPlugin } from './admission.ts'
import type { Credentials } from './auth/authenticator.ts'
import { RbacAuthorizer } from './auth/rbac.ts'
import { BookmarkTicker } from './bookmark-ticker.ts'
import { resourcesOf } from './crd/served.ts'
import type { CustomResourceDefinition } from './crd/definition.ts'
import type { Database, Stored } from './database.ts'
import type { AnyObject } from './objects/object.ts'
import { OpenStreams } from './open-streams.ts'
import { ResourceRegistry } from './resource-registry.ts'
import type { ServedResource, StrategyContext } from './served-resource.ts'
import type { StoreEvent } from './store/store-types.ts'
import type { UserInfo } from './user.ts'
import { View } from './present/view.ts'

export interface LogicalClusterOptions {
  readonly name: string
  readonly credentials: Credentials
  readonly database: Database
  /** What it serves before anybody defines more. */
  readonly resources: readonly ServedResource[]
  readonly admission: readonly AdmissionPlugin[]
  readonly version: string
  readonly serviceResolver?: ServiceResolver | undefined
}

/** One API server as its clients see it; several share a process and a store without seeing each other. */
export class LogicalCluster {
  readonly name: string
  readonly credentials: Credentials
  readonly database: Database
  readonly admission: readonly AdmissionPlugin[]
  /** Webhooks and policies that are stored here. */
  readonly admissionConfiguration: AdmissionConfiguration
  readonly webhooks: WebhookClient
  readonly registry: ResourceRegistry
  readonly authorizer: RbacAuthorizer
  /** Of the product, for `/version`. */
  readonly version: string
  readonly bookmarks: BookmarkTicker
  /** Open watches. */
  readonly streams = new OpenStreams()
  readonly #endWatch: () => void

  constructor(options: LogicalClusterOptions) {
    const { name, database, admission, version, serviceResolver } = options
    this.name = name
    this.credentials = options.credentials
    this.registry = new ResourceRegistry(options.resources)
    this.version = version
    this.bookmarks = new BookmarkTicker(database.clock)
    this.database = database
    this.admission = admission
    this.admissionConfiguration = new AdmissionConfiguration(name, database)
    this.webhooks = new WebhookClient({ clock: database.clock, serviceResolver })
    this.authorizer = new RbacAuthorizer(name, database)
    const prefix = database.prefix(name, customResourceDefinitions)
    const revision = database.store.revision
    for (const stored of database.store.range(prefix, { at: revision }).items) this.#define(database.parse(stored))
    this.#endWatch = database.store.watch(prefix, revision, (events) => this.#onDefinitions(events))
  }

  /** Path under which clients reach this logical cluster. */
  get basePath(): string {
    return `/clusters/${this.name}`
  }

  /** Ends all watches. */
  close(): void {
    this.streams.close()
    this.#endWatch()
    this.authorizer.close()
    this.admissionConfiguration.close()
    void this.webhooks.close()
  }

  namespace(name: string): AnyObject | undefined {
    return this.database.read(this.database.key(this.name, namespaces, undefined, name))
  }

  /** A stored object as `served` shows it. */
  view(served: ServedResource, stored: Stored): View {
    return View.ofStored(this.database, served, stored)
  }

  strategyContext(now: string, user: UserInfo): StrategyContext {
    return { now, user, list: (group, plural) => this.listStored({ group, plural }) }
  }

  /** Newest state of one object as `resource` shows it. */
  readObject(resource: Resource, name: string, namespace?: string): AnyObject | undefined {
    const served = this.#find(resource)
    if (served === undefined) return undefined
    const key = this.database.key(this.name, served.storedAs, resource.namespaced ? namespace : undefined, name)
    const stored = this.database.store.get(key)
    return stored === undefined ? undefined : this.database.objectAs(served, stored)
  }

  /** Newest state of all objects of `resource`, of one namespace if given. */
  listObjects(resource: Resource, namespace?: string): AnyObject[] {
    const served = this.#find(resource)
    if (served === undefined) return []
    const prefix = this.database.prefix(this.name, served.storedAs, namespace)
    return this.database.store.range(prefix).items.map((stored) => this.database.objectAs(served, stored))
  }

  /** All objects of a resource in their stored version. */
  listStored(storedAs: { readonly group: string; readonly plural: string }): AnyObject[] {
    const prefix = this.database.prefix(this.name, storedAs)
    return this.database.store.range(prefix).items.map((stored) => this.database.parse(stored))
  }

  #find(resource: Resource): ServedResource | undefined {
    return this.registry.find(resource.group, resource.version, resource.plural)
  }

  #onDefinitions(events: readonly StoreEvent[]): void {
    for (const event of events) {
      if (event.value !== undefined) this.#define(this.database.parse({ ...event, value: event.value }))
      else this.registry.define(this.database.parse(event.previous!).metadata.name, [])
    }
  }

  #define(object: AnyObject): void {
    const resources = resourcesOf(object as AnyObject & CustomResourceDefinition).map((served) => {
      const before = this.#find(served.resource)
      // As long as the schema stays, what was stored under it needs no second look.
      const same = before?.compiled === served.compiled && before?.storedApiVersion === served.storedApiVersion
      return same ? { ...served, schemaRevision: before.schemaRevision } : served
    })
    this.registry.define(object.metadata.name, resources)
  }
}
