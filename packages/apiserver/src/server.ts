import { join } from 'node:path'
import type { Clock, Random, Transport } from '@locktender/kube'
import type { AdmissionPlugin } from './admission.ts'
import type { ServiceResolver } from './admission/webhook-client.ts'
import { CertificateAuthority } from './auth/certificates.ts'
import { ClientCertificates } from './auth/client-certificates.ts'
import { TokenAuthenticator } from './auth/authenticator.ts'
import type { Credentials } from './auth/authenticator.ts'
import { ServiceAccountTokens } from './auth/service-account-tokens.ts'
import { TokenStore } from './auth/tokens.ts'
import { bootstrap } from './bootstrap.ts'
import { builtInResources } from './builtin-resources.ts'
import { LogicalCluster } from './cluster.ts'
import { startControllers } from './controllers/start.ts'
import type { RunningControllers } from './controllers/start.ts'
import { Database } from './database.ts'
import { Listener } from './http/listener.ts'
import { serveClusters } from './http/serve-clusters.ts'
import { loopbackTransport } from './loopback.ts'
import { childSegments } from './store/child-segments.ts'
import type { Files } from './store/files.ts'
import { Store } from './store/store.ts'
import { systemWriter } from './system-writer.ts'
import type { UserInfo } from './user.ts'

export interface ApiServerOptions {
  readonly clock: Clock
  /** For uids, generated names and timeouts; never for secrets. */
  readonly random: Random
  /** Folder of objects, keys and token digests. Absent: everything is in memory and gone at the end. */
  readonly dataDirectory?: string
  /** Where the objects of the data directory are instead of the file system; keys and tokens are then in memory. */
  readonly files?: Files
  readonly admission?: readonly AdmissionPlugin[]
  /** Finds webhooks that are given as a Service; without it, only those given as a URL can be asked. */
  readonly serviceResolver?: ServiceResolver
  /** How many of the newest writes can be watched from and paged through, at least; the default is 100,000. */
  readonly historyEvents?: number
  /** Writes younger than this, in milliseconds, are kept beyond that number; the default is five minutes. */
  readonly historyAgeMs?: number
  /** Of the product, shown in `/version`. */
  readonly version?: string
  /**
   * Lets requests without credentials in as the user `system:anonymous`, with the rights its roles give it. Otherwise
   * only health and version are for everybody.
   */
  readonly anonymous?: boolean
}

export interface ListenOptions {
  readonly host?: '127.0.0.1'
  /** 0 or absent takes any free one. */
  readonly port?: number
  /** Logical cluster that is served at the root path too, for clients that cannot have a path in the server's URL. */
  readonly rootCluster?: string
}

/** Where a listening server is reached. */
export interface ListeningAddress {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string
  /** PEM of the authority that signed the server's certificate. */
  readonly certificateAuthority: string
}

const DEFAULT_VERSION = '0.0.0'

const CLUSTER_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** A Kubernetes API server in this process, with any number of logical clusters over one store. */
export class ApiServer {
  readonly #options: ApiServerOptions
  readonly #database: Database
  readonly #clusters = new Map<string, LogicalCluster>()
  readonly #controllers: RunningControllers
  readonly #authority: CertificateAuthority
  readonly #tokens: TokenStore
  readonly #credentials: Credentials
  #listener: Listener | undefined

  private constructor(options: ApiServerOptions, database: Database) {
    this.#options = options
    this.#database = database
    const { dataDirectory, files } = options
    const pki = dataDirectory === undefined || files !== undefined ? undefined : join(dataDirectory, 'pki')
    this.#authority = new CertificateAuthority({ directory: pki, clock: options.clock })
    this.#tokens = new TokenStore(pki)
    const serviceAccounts = new ServiceAccountTokens({ directory: pki, clock: options.clock })
    const tokens = new TokenAuthenticator(this.#tokens, serviceAccounts, options.clock)
    this.#credentials = { serviceAccounts, tokens }
    // Keys begin with the name of their logical cluster.
    for (const name of childSegments(database.store, '/')) this.#add(name)
    void database.store.failure.then(() => {
      for (const cluster of this.#clusters.values()) cluster.streams.close()
    })
    this.#controllers = startControllers({
      clock: options.clock,
      store: database.store,
      parse: (stored) => database.parse(stored),
      writer: systemWriter((name) => this.#clusters.get(name)),
      resourceOf: (cluster, group, kind) => {
        const served = this.#clusters.get(cluster)?.registry.findKind(group, kind)
        return served === undefined ? undefined : { ...served.storedAs, namespaced: served.resource.namespaced }
      },
      authority: this.#authority,
    })
  }

  /**
   * Opens the data directory, or starts empty in memory.
   * @throws StoreCorruptError, DirectoryLockedError
   */
  static async open(options: ApiServerOptions): Promise<ApiServer> {
    const { clock, random, dataDirectory, files, historyEvents, historyAgeMs } = options
    const store = await Store.open({
      clock,
      ...(dataDirectory === undefined ? {} : { directory: join(dataDirectory, 'store') }),
      ...(files === undefined ? {} : { files }),
      ...(historyEvents === undefined ? {} : { historyEvents }),
      ...(historyAgeMs === undefined ? {} : { historyAgeMs }),
    })
    return new ApiServer(options, new Database(store, clock, random))
  }

  /** Makes the logical cluster with the namespaces and roles every API server has, unless it is there already. */
  async cluster(name: string): Promise<void> {
    if (!CLUSTER_NAME.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name for a logical cluster`)
    await bootstrap(this.#clusters.get(name) ?? this.#add(name))
  }

  /** Names of the logical clusters, oldest first within this process. */
  clusters(): string[] {
    return [...this.#clusters.keys()]
  }

  /**
   * A transport into one logical cluster without sockets. Authorization applies to `user`.
   * @throws RangeError when there is no such cluster
   */
  transport({ cluster, user }: { readonly cluster: string; readonly user: UserInfo }): Transport {
    const found = this.#clusters.get(cluster)
    if (found === undefined) throw new RangeError(`there is no logical cluster ${JSON.stringify(cluster)}`)
    return loopbackTransport(found, user)
  }

  /**
   * Serves all logical clusters over HTTPS on the loopback interface, each below `/clusters/<name>`.
   * @throws Error when the port is taken, or when it is listening already
   */
  async listen(options: ListenOptions = {}): Promise<ListeningAddress> {
    if (this.#listener !== undefined) throw new Error('the server is listening already')
    const { host = '127.0.0.1', port = 0, rootCluster } = options
    const { certificateAuthority, ...identity } = await this.#authority.serverIdentity()
    const clusters = {
      rootCluster,
      clusterOf: (name: string) => this.#clusters.get(name),
      authenticators: {
        certificates: new ClientCertificates(certificateAuthority, this.#options.clock),
        tokens: this.#credentials.tokens,
      },
      anonymous: this.#options.anonymous ?? false,
      version: this.#options.version ?? DEFAULT_VERSION,
    }
    this.#listener = await Listener.open({
      host,
      port,
      identity,
      certificateAuthority,
      handle: async (request) => {
        const reply = await serveClusters(clusters, request)
        // Ages of objects make sense only by the clock that stamped them, which may be a simulated one.
        const date = new Date(this.#options.clock.now()).toUTCString()
        return { ...reply, headers: { ...reply.headers, date } }
      },
    })
    this.#controllers.publishAuthority(certificateAuthority)
    return { url: `https://${host}:${this.#listener.port}`, certificateAuthority }
  }

  /** A new bearer token. Each user has up to 16 valid ones; they outlive a restart on the same data directory. */
  issueToken(user: UserInfo): string {
    return this.#tokens.issue(user)
  }

  /**
   * A client certificate and its key, PEM, valid for a year. Groups of the user are its organizations. With `kept`, both
   * lie in the data directory, and whoever asks again after a restart gets the same.
   */
  issueClientCertificate(
    user: UserInfo,
    options: { readonly kept?: boolean } = {},
  ): Promise<{ readonly certificate: string; readonly key: string }> {
    return this.#authority.issueClient(user, options)
  }

  /**
   * Resolves when the data directory can no longer be written. Nothing is acknowledged from then on and all watches
   * end; the process should end too, with this error.
   */
  get failure(): Promise<Error> {
    return this.#database.store.failure
  }

  /** Ends watches, waits for writes to be durable, and leaves the data directory. */
  async close(): Promise<void> {
    this.#controllers.stop()
    for (const cluster of this.#clusters.values()) cluster.close()
    await this.#listener?.close()
    await this.#database.store.close()
  }

  #add(name: string): LogicalCluster {
    const { admission = [], version = DEFAULT_VERSION, serviceResolver } = this.#options
    const cluster = new LogicalCluster({
      name,
      database: this.#database,
      resources: builtInResources,
      credentials: this.#credentials,
      admission,
      version,
      serviceResolver,
    })
    this.#clusters.set(name, cluster)
    return cluster
  }
}
