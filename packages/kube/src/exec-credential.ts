import { errorText } from './errors.ts'
import type { Clock } from './clock.ts'
import type { Credentials } from './https-transport.ts'
import { KubeconfigError } from './kubeconfig.ts'
import type { ExecPlugin } from './kubeconfig.ts'

/** What a plugin may be told about the cluster, as the `spec.cluster` of an ExecCredential. */
export interface ExecCluster {
  readonly server: string
  /** PEM. */
  readonly certificateAuthority?: string | undefined
  readonly serverName?: string | undefined
  readonly insecureSkipTlsVerify: boolean
  readonly proxyUrl?: string | undefined
  readonly config?: unknown
}

/** Runs a command with additional environment variables and returns what it wrote to its standard output. */
export type RunCommand = (command: {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Whether the command may read from our standard input. */
  readonly interactive: boolean
}) => Promise<string>

export interface ExecCredentialOptions {
  readonly plugin: ExecPlugin
  readonly cluster: ExecCluster
  readonly run: RunCommand
  /** Whether a person sits at our standard input. */
  readonly terminal: boolean
  readonly clock: Clock
}

interface Held {
  readonly credentials: Credentials
  /** Milliseconds since the epoch; never when absent. */
  readonly expires: number
}

/**
 * Asks a credential plugin and remembers its answer until it expires or is rejected. Requests that come while the
 * plugin runs wait for that one run.
 */
export function execCredentialProvider(
  options: ExecCredentialOptions,
): (rejected?: Credentials) => Promise<Credentials> {
  let held: Held | undefined
  let asking: Promise<Held> | undefined
  return async (rejected) => {
    // What was rejected may have been replaced in the meantime, by another request that was rejected too.
    const refused = rejected !== undefined && held !== undefined && isSame(held.credentials, rejected)
    if (held !== undefined && !refused && options.clock.now() < held.expires) return held.credentials
    asking ??= ask(options).finally(() => {
      asking = undefined
    })
    held = await asking
    return held.credentials
  }
}

function isSame(left: Credentials, right: Credentials): boolean {
  return left.token === right.token && left.clientCertificate === right.clientCertificate
}

async function ask({ plugin, cluster, run, terminal }: ExecCredentialOptions): Promise<Held> {
  if (plugin.interactiveMode === 'Always' && !terminal) {
    throw new KubeconfigError(`the credential plugin ${plugin.command} needs a terminal, and there is none`)
  }
  const interactive = plugin.interactiveMode !== 'Never' && terminal
  const request = {
    kind: 'ExecCredential',
    apiVersion: plugin.apiVersion,
    spec: { interactive, ...(plugin.provideClusterInfo ? { cluster: clusterInfo(cluster) } : {}) },
  }
  let output: string
  try {
    output = await run({
      command: plugin.command,
      args: plugin.args,
      env: { ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(request) },
      interactive,
    })
  } catch (error) {
    const why = errorText(error)
    const hint = plugin.installHint === undefined ? '' : `\n${plugin.installHint}`
    throw new KubeconfigError(`the credential plugin ${plugin.command} failed: ${why}${hint}`, { cause: error })
  }
  return readAnswer(plugin, output)
}

function clusterInfo(cluster: ExecCluster): Record<string, unknown> {
  return {
    server: cluster.server,
    ...(cluster.serverName === undefined ? {} : { 'tls-server-name': cluster.serverName }),
    ...(cluster.insecureSkipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(cluster.certificateAuthority === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(cluster.certificateAuthority).toString('base64') }),
    ...(cluster.proxyUrl === undefined ? {} : { 'proxy-url': cluster.proxyUrl }),
    ...(cluster.config === undefined ? {} : { config: cluster.config }),
  }
}

interface ExecCredential {
  readonly kind?: unknown
  readonly apiVersion?: unknown
  readonly status?: {
    readonly token?: unknown
    readonly clientCertificateData?: unknown
    readonly clientKeyData?: unknown
    readonly expirationTimestamp?: unknown
  }
}

function readAnswer(plugin: ExecPlugin, output: string): Held {
  const refuse = (why: string) => new KubeconfigError(`the credential plugin ${plugin.command} ${why}`)
  let answer: ExecCredential
  try {
    answer = JSON.parse(output) as ExecCredential
  } catch {
    // The output is not shown: it may hold a secret.
    throw refuse('did not write JSON')
  }
  if (answer.kind !== 'ExecCredential' || answer.apiVersion !== plugin.apiVersion) {
    throw refuse(`must answer with an ExecCredential of ${plugin.apiVersion}`)
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer.status ?? {}
  const certificate = typeof clientCertificateData === 'string' && clientCertificateData !== ''
  const key = typeof clientKeyData === 'string' && clientKeyData !== ''
  if (certificate !== key) throw refuse('must give a client certificate and its key together')
  const hasToken = typeof token === 'string' && token !== ''
  if (!hasToken && !certificate) throw refuse('gave neither a token nor a client certificate')
  const expires = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.POSITIVE_INFINITY
  if (Number.isNaN(expires)) throw refuse('gave an expirationTimestamp that is not a time')
  return {
    credentials: {
      ...(hasToken ? { token } : {}),
      ...(certificate && key ? { clientCertificate: clientCertificateData, clientKey: clientKeyData } : {}),
    },
    expires,
  }
}
