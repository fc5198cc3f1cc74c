import { join } from 'node:path'
import { LocalServer } from '@locktender/apiserver'
import { Kubectl } from './kubectl.ts'
import type { PackagedVersion } from './kubectl.ts'
import { temporaryFolder } from './simulator-process.ts'

/** An administrator's kubectl, and a server of its own for it. */
export interface ServedKubectl {
  readonly kubectl: Kubectl
  readonly server: LocalServer
  /** Goes with the server. */
  readonly folder: string
  close(): Promise<void>
}

export async function serveKubectl(version: PackagedVersion): Promise<ServedKubectl> {
  const folder = await temporaryFolder()
  const server = await LocalServer.start()
  const kubeconfig = join(folder.path, 'kubeconfig')
  server.writeKubeconfig(kubeconfig)
  return {
    kubectl: new Kubectl(version, kubeconfig, join(folder.path, 'home')),
    server,
    folder: folder.path,
    async close() {
      await server.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
