import { errorText } from '../errors.ts'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import { execCredentialProvider } from '../exec-credential.ts'
import { httpsTransport } from '../https-transport.ts'
import type { Credentials } from '../https-transport.ts'
import { KubeconfigError, mergeKubeconfigs, resolveContext } from '../kubeconfig.ts'
import type { KubeconfigContext, PemSource } from '../kubeconfig.ts'
import { readTokenFile } from '../token-file.ts'
import type { Transport } from '../transport.ts'
import { runCommand } from './run-command.ts'

export interface LoadKubeconfigOptions {
  /** A file that must exist, as given by a flag; else the files of the environment variable KUBECONFIG, else ~/.kube/config. */
  readonly path?: string | undefined
  /** @default the current context */
  readonly context?: string | undefined
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * Reads what kubectl would read. Without any file, a process in a pod gets the access of its service account.
 * @throws KubeconfigError
 */
export async function loadKubeconfig(options: LoadKubeconfigOptions = {}): Promise<KubeconfigContext> {
  const paths = options.path === undefined ? defaultPaths() : [resolve(options.path)]
  if (options.path !== undefined && !existsSync(paths[0]!)) {
    throw new KubeconfigError(`${options.path} does not exist`)
  }
  const present = paths.filter((path) => existsSync(path))
  if (present.length === 0) {
    const inPod = await inClusterContext()
    if (inPod !== undefined) return inPod
    throw new KubeconfigError(
      `there is no kubeconfig at ${paths.join(' or ')}: set KUBECONFIG or pass the file with --kubeconfig`,
    )
  }
  const files = await Promise.all(present.map(async (path) => ({ path, text: await readText(path) })))
  return resolveContext(mergeKubeconfigs(files), options.context)
}

function defaultPaths(): string[] {
  const listed = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  return listed.length === 0 ? [join(homedir(), '.kube', 'config')] : listed.map((path) => resolve(path))
}

async function inClusterContext(): Promise<KubeconfigContext | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env
  if (host === undefined || port === undefined || !existsSync(`${SERVICE_ACCOUNT}/token`)) return undefined
  return {
    context: 'in-cluster',
    namespace: (await readText(`${SERVICE_ACCOUNT}/namespace`)).trim(),
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    insecureSkipTlsVerify: false,
    certificateAuthority: { file: `${SERVICE_ACCOUNT}/ca.crt` },
    tokenFile: `${SERVICE_ACCOUNT}/token`,
  }
}

/**
 * A transport with the identity of the context: its files are read, its plugin is run when first needed.
 * @throws KubeconfigError when a file it names cannot be read
 */
export async function transportFromKubeconfig(
  context: KubeconfigContext,
  { clock }: { readonly clock: Clock },
): Promise<Transport> {
  const { server, serverName, insecureSkipTlsVerify, proxyUrl, token, impersonate } = context
  const certificateAuthority = await readPem(context.certificateAuthority)
  const clientCertificate = await readPem(context.clientCertificate)
  const clientKey = await readPem(context.clientKey)
  const credentialProvider = providerOf(context, certificateAuthority, clock)
  return httpsTransport({
    server,
    insecureSkipTlsVerify,
    clock,
    ...(serverName === undefined ? {} : { serverName }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    ...(impersonate === undefined ? {} : { impersonate }),
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(token === undefined ? {} : { token }),
    ...(credentialProvider === undefined ? {} : { credentialProvider }),
  })
}

function providerOf(
  context: KubeconfigContext,
  certificateAuthority: string | undefined,
  clock: Clock,
): ((rejected?: Credentials) => Promise<Credentials>) | undefined {
  const { exec, tokenFile } = context
  if (tokenFile !== undefined) {
    return readTokenFile({ read: () => readText(tokenFile), fallback: context.token, clock })
  }
  // A token in the file goes before the plugin, as in kubectl.
  if (exec === undefined || context.token !== undefined) return undefined
  return execCredentialProvider({
    plugin: exec,
    cluster: {
      server: context.server,
      certificateAuthority,
      serverName: context.serverName,
      insecureSkipTlsVerify: context.insecureSkipTlsVerify,
      proxyUrl: context.proxyUrl,
      config: context.execClusterConfig,
    },
    run: runCommand,
    terminal: process.stdin.isTTY,
    clock,
  })
}

async function readPem(source: PemSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined
  return 'data' in source ? source.data : readText(source.file)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new KubeconfigError(`${path} cannot be read: ${errorText(error)}`, {
      cause: error,
    })
  }
}
