import { errorText } from './errors.ts'
import { dirname, isAbsolute, resolve } from 'node:path'
import { yaml } from './load-yaml.ts'
import type { Impersonation } from './https-transport.ts'

/** A kubeconfig that cannot be used; the message names the file or entry and what to do. */
export class KubeconfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KubeconfigError'
  }
}

export interface KubeconfigFile {
  /** Where the text comes from: relative paths in it are relative to this file's folder. */
  readonly path: string
  readonly text: string
}

/** A PEM document, given in place or as the absolute path of its file. */
export type PemSource = { readonly data: string } | { readonly file: string }

/** A credential plugin. */
export interface ExecPlugin {
  readonly apiVersion: 'client.authentication.k8s.io/v1' | 'client.authentication.k8s.io/v1beta1'
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Shown when the command does not exist. */
  readonly installHint?: string
  readonly provideClusterInfo: boolean
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always'
}

/** One context with everything it refers to. */
export interface KubeconfigContext {
  readonly context: string
  /** @default 'default' */
  readonly namespace: string
  readonly server: string
  readonly certificateAuthority?: PemSource
  readonly serverName?: string
  readonly insecureSkipTlsVerify: boolean
  readonly proxyUrl?: string
  readonly clientCertificate?: PemSource
  readonly clientKey?: PemSource
  readonly token?: string
  /** Goes before `token` and is read again from time to time. */
  readonly tokenFile?: string
  readonly exec?: ExecPlugin
  readonly impersonate?: Impersonation
  /** Of the cluster entry, handed to the plugin: the extension `client.authentication.k8s.io/exec`. */
  readonly execClusterConfig?: unknown
}

/** Several files merged: the first to name a cluster, user, context or current context decides. */
export interface Kubeconfig {
  readonly currentContext: string
  readonly clusters: ReadonlyMap<string, Entry>
  readonly users: ReadonlyMap<string, Entry>
  readonly contexts: ReadonlyMap<string, Entry>
}

interface Entry {
  /** Says where the entry is, for messages. */
  readonly where: string
  readonly folder: string
  readonly fields: Fields
}

type Fields = Readonly<Record<string, unknown>>

/** @throws KubeconfigError */
export function mergeKubeconfigs(files: readonly KubeconfigFile[]): Kubeconfig {
  let currentContext = ''
  const clusters = new Map<string, Entry>()
  const users = new Map<string, Entry>()
  const contexts = new Map<string, Entry>()
  for (const file of files) {
    const document = parseFile(file)
    if (document === undefined) continue
    if (currentContext === '') currentContext = text(document, 'current-context', file.path) ?? ''
    for (const [list, member, target] of [
      ['clusters', 'cluster', clusters],
      ['users', 'user', users],
      ['contexts', 'context', contexts],
    ] as const) {
      for (const [name, entry] of readEntries(document, list, member, file)) {
        if (!target.has(name)) target.set(name, entry)
      }
    }
  }
  return { currentContext, clusters, users, contexts }
}

function parseFile({ path, text: source }: KubeconfigFile): Fields | undefined {
  let document: unknown
  try {
    document = yaml().parse(source)
  } catch (error) {
    throw new KubeconfigError(`${path} is not YAML: ${errorText(error)}`, {
      cause: error,
    })
  }
  if (document === null || document === undefined) return undefined
  return asFields(document, path)
}

function readEntries(document: Fields, list: string, member: string, file: KubeconfigFile): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  const items = document[list] ?? []
  if (!Array.isArray(items)) throw new KubeconfigError(`${file.path}: ${list} must be a list`)
  for (const [index, item] of items.entries()) {
    const fields = asFields(item, `${file.path}: ${list}[${index}]`)
    const name = text(fields, 'name', `${file.path}: ${list}[${index}]`) ?? ''
    const where = `${member} ${JSON.stringify(name)} in ${file.path}`
    if (entries.has(name)) throw new KubeconfigError(`${where} is there twice: remove one`)
    entries.set(name, { where, folder: dirname(file.path), fields: asFields(fields[member] ?? {}, where) })
  }
  return entries
}

/**
 * The context called `name`, or the current one, with its cluster and user.
 * @throws KubeconfigError
 */
export function resolveContext(config: Kubeconfig, name?: string): KubeconfigContext {
  const wanted = name ?? config.currentContext
  if (wanted === '') {
    throw new KubeconfigError(
      `no context is chosen; name one of: ${[...config.contexts.keys()].join(', ') || 'none exists'}`,
    )
  }
  const context = config.contexts.get(wanted)
  if (context === undefined) {
    const known = [...config.contexts.keys()].join(', ') || 'none'
    throw new KubeconfigError(`context ${JSON.stringify(wanted)} does not exist; known contexts: ${known}`)
  }
  const clusterName = text(context.fields, 'cluster', context.where) ?? ''
  const cluster = config.clusters.get(clusterName)
  if (cluster === undefined) {
    throw new KubeconfigError(`${context.where} refers to cluster ${JSON.stringify(clusterName)}, which does not exist`)
  }
  const userName = text(context.fields, 'user', context.where) ?? ''
  const user = config.users.get(userName)
  if (user === undefined && userName !== '') {
    throw new KubeconfigError(`${context.where} refers to user ${JSON.stringify(userName)}, which does not exist`)
  }
  return {
    context: wanted,
    namespace: text(context.fields, 'namespace', context.where) ?? 'default',
    ...readCluster(cluster),
    ...(user === undefined ? {} : readUser(user)),
  }
}

type ClusterPart = Pick<
  KubeconfigContext,
  'server' | 'certificateAuthority' | 'serverName' | 'insecureSkipTlsVerify' | 'proxyUrl' | 'execClusterConfig'
>

function readCluster(entry: Entry): ClusterPart {
  const { fields, where } = entry
  const server = text(fields, 'server', where)
  if (server === undefined) throw new KubeconfigError(`${where} has no server`)
  const insecureSkipTlsVerify = fields['insecure-skip-tls-verify'] === true
  const certificateAuthority = pem(entry, 'certificate-authority')
  if (insecureSkipTlsVerify && certificateAuthority !== undefined) {
    throw new KubeconfigError(`${where} has both a certificate authority and insecure-skip-tls-verify: remove one`)
  }
  const extensions = Array.isArray(fields['extensions']) ? fields['extensions'] : []
  const exec = extensions
    .map((extension: unknown) => asFields(extension, `${where}: extensions`))
    .find((extension) => extension['name'] === 'client.authentication.k8s.io/exec')
  return {
    server,
    insecureSkipTlsVerify,
    ...optional('certificateAuthority', certificateAuthority),
    ...optional('serverName', text(fields, 'tls-server-name', where)),
    ...optional('proxyUrl', text(fields, 'proxy-url', where)),
    ...optional('execClusterConfig', exec?.['extension']),
  }
}

type UserPart = Pick<
  KubeconfigContext,
  'clientCertificate' | 'clientKey' | 'token' | 'tokenFile' | 'exec' | 'impersonate'
>

function readUser(entry: Entry): UserPart {
  const { fields, where, folder } = entry
  if (fields['auth-provider'] !== undefined) {
    throw new KubeconfigError(`${where} uses auth-provider, which Kubernetes has removed: use an exec plugin`)
  }
  if (fields['username'] !== undefined || fields['password'] !== undefined) {
    throw new KubeconfigError(`${where} uses a password, which API servers no longer accept: use a token`)
  }
  const clientCertificate = pem(entry, 'client-certificate')
  const clientKey = pem(entry, 'client-key')
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw new KubeconfigError(`${where} needs both a client certificate and its key, or neither`)
  }
  const tokenFile = text(fields, 'tokenFile', where)
  return {
    ...optional('clientCertificate', clientCertificate),
    ...optional('clientKey', clientKey),
    ...optional('token', text(fields, 'token', where)),
    ...optional('tokenFile', tokenFile === undefined ? undefined : resolve(folder, tokenFile)),
    ...optional('exec', readExec(entry)),
    ...optional('impersonate', readImpersonation(entry)),
  }
}

function readExec({ fields, where, folder }: Entry): ExecPlugin | undefined {
  if (fields['exec'] === undefined || fields['exec'] === null) return undefined
  const exec = asFields(fields['exec'], `${where}: exec`)
  const apiVersion = text(exec, 'apiVersion', where)
  if (apiVersion !== 'client.authentication.k8s.io/v1' && apiVersion !== 'client.authentication.k8s.io/v1beta1') {
    throw new KubeconfigError(`${where}: exec.apiVersion must be client.authentication.k8s.io/v1 or v1beta1`)
  }
  const command = text(exec, 'command', where)
  if (command === undefined) throw new KubeconfigError(`${where}: exec.command is missing`)
  const interactiveMode =
    text(exec, 'interactiveMode', where) ?? (apiVersion.endsWith('/v1') ? undefined : 'IfAvailable')
  if (interactiveMode !== 'Never' && interactiveMode !== 'IfAvailable' && interactiveMode !== 'Always') {
    throw new KubeconfigError(`${where}: exec.interactiveMode must be Never, IfAvailable or Always`)
  }
  return {
    apiVersion,
    // A bare name is looked up in the PATH, a path is relative to the file.
    command: command.includes('/') && !isAbsolute(command) ? resolve(folder, command) : command,
    args: listOf(exec['args'], `${where}: exec.args`).map(String),
    env: Object.fromEntries(
      listOf(exec['env'], `${where}: exec.env`).map((item) => {
        const variable = asFields(item, `${where}: exec.env`)
        return [text(variable, 'name', where) ?? '', text(variable, 'value', where) ?? '']
      }),
    ),
    provideClusterInfo: exec['provideClusterInfo'] === true,
    interactiveMode,
    ...optional('installHint', text(exec, 'installHint', where)),
  }
}

function readImpersonation({ fields, where }: Entry): Impersonation | undefined {
  const user = text(fields, 'as', where)
  if (user === undefined) {
    if (fields['as-groups'] === undefined && fields['as-uid'] === undefined) return undefined
    throw new KubeconfigError(`${where} impersonates groups without a user: set "as" too`)
  }
  const extra = fields['as-user-extra']
  return {
    user,
    ...optional('uid', text(fields, 'as-uid', where)),
    ...(fields['as-groups'] === undefined ? {} : { groups: listOf(fields['as-groups'], where).map(String) }),
    ...(extra === undefined
      ? {}
      : {
          extra: Object.fromEntries(
            Object.entries(asFields(extra, where)).map(([key, values]) => [key, listOf(values, where).map(String)]),
          ),
        }),
  }
}

/** `<key>-data` goes before the file named by `<key>`. */
function pem({ fields, where, folder }: Entry, key: string): PemSource | undefined {
  const data = text(fields, `${key}-data`, where)
  if (data !== undefined) return { data: Buffer.from(data, 'base64').toString('utf8') }
  const file = text(fields, key, where)
  return file === undefined ? undefined : { file: resolve(folder, file) }
}

/** A string; absent when empty, as the Go client treats it. */
function text(fields: Fields, key: string, where: string): string | undefined {
  const value = fields[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new KubeconfigError(`${where}: ${key} must be a string`)
  return value
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new KubeconfigError(`${where} must be a list`)
  return value
}

function asFields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new KubeconfigError(`${where} must be a mapping`)
  }
  return value as Fields
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })
}
