import { Client, kubeconfigText, systemClock, systemRandom } from '@locktender/kube'
import type { Clock, Random } from '@locktender/kube'
import { writePrivate } from '../auth/private-files.ts'
import { installDefinitions } from './install-definitions.ts'
import type { InstalledDefinitions } from './install-definitions.ts'
import { ApiServer } from '../server.ts'
import { mastersGroup } from '../user.ts'

export interface LocalServerOptions {
  /** Folder with manifests of CustomResourceDefinitions to install. */
  readonly crds?: string
  /** Folder that keeps the objects. Absent: everything is in memory and gone at the end. */
  readonly dataDirectory?: string
  /** Port on 127.0.0.1; 0 or absent takes a free one. */
  readonly port?: number
  /**
   * How many of the newest writes can be watched from and paged through. Absent: the newest 100,000, and those of the
   * last five minutes.
   */
  readonly historyEvents?: number
  /** Shown in `/version`. */
  readonly version?: string
  /** The time of the machine when absent. */
  readonly clock?: Clock
  /** The randomness of the machine when absent. */
  readonly random?: Random
}

/** Name of the only logical cluster of a local server. */
const CLUSTER = 'default'

const ADMINISTRATOR = { name: 'admin', groups: [mastersGroup] }

/** A running API server for one person or one test, over HTTPS on the loopback interface. */
export class LocalServer {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string
  /** Text of a kubeconfig with the administrator's certificate: as good as a password. */
  readonly kubeconfig: string
  /** What was found in the folder of definitions; undefined without one. */
  readonly installed: InstalledDefinitions | undefined
  readonly #server: ApiServer

  private constructor(server: ApiServer, url: string, kubeconfig: string, installed: InstalledDefinitions | undefined) {
    this.#server = server
    this.url = url
    this.kubeconfig = kubeconfig
    this.installed = installed
  }

  /**
   * Starts it; requests are answered when this resolves.
   * @throws StoreCorruptError, DirectoryLockedError, DefinitionsError, or the error of the system, for instance
   *   EADDRINUSE for a port that is taken
   */
  static async start(options: LocalServerOptions = {}): Promise<LocalServer> {
    const { crds, port, clock = systemClock(), random = systemRandom(), ...rest } = options
    const history = rest.historyEvents === undefined ? {} : { historyAgeMs: 0 }
    const server = await ApiServer.open({ clock, random, ...rest, ...history })
    try {
      await server.cluster(CLUSTER)
      const transport = server.transport({ cluster: CLUSTER, user: ADMINISTRATOR })
      const client = new Client({ transport, fieldManager: 'locktender' })
      const installed = crds === undefined ? undefined : await installDefinitions(client, crds)
      const listening = await server.listen({ rootCluster: CLUSTER, ...(port === undefined ? {} : { port }) })
      // To sign another one takes as long as all the rest of a start on a folder that is there already.
      const identity = await server.issueClientCertificate(ADMINISTRATOR, { kept: true })
      const { name } = ADMINISTRATOR
      const kubeconfig = kubeconfigText({
        certificateAuthority: listening.certificateAuthority,
        clusters: [{ name: 'locktender', server: listening.url }],
        users: [{ name, ...identity }],
        contexts: [{ name: 'locktender', cluster: 'locktender', user: name }],
      })
      return new LocalServer(server, listening.url, kubeconfig, installed)
    } catch (error) {
      await server.close()
      throw error
    }
  }

  /** Resolves when the data directory can no longer be written; nothing is acknowledged any more, so close it. */
  get failure(): Promise<Error> {
    return this.#server.failure
  }

  /** Writes the kubeconfig to a file that only its owner can read. */
  writeKubeconfig(path: string): void {
    writePrivate(path, this.kubeconfig)
  }

  /** Ends watches, waits for writes to be durable, and leaves the data directory. */
  close(): Promise<void> {
    return this.#server.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
