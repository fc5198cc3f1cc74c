import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'

/** How to prove who one is; all absent means anonymous. PEM texts. */
export interface Credentials {
  readonly certificate?: string
  readonly key?: string
  readonly token?: string
}

/** A server and an identity at it. */
export interface Endpoint {
  /** Without a trailing slash; may have a path. */
  readonly server: string
  readonly certificateAuthority: string | undefined
  readonly insecure: boolean
  readonly serverName: string | undefined
  readonly credentials: Credentials
}

type Fields = Readonly<Record<string, unknown>>

/** Reads one context of a kubeconfig file, the current one by default. */
export async function readKubeconfig(path: string, contextName?: string): Promise<Endpoint> {
  const config = parse(await readFile(path, 'utf8')) as Fields
  const name = contextName ?? (config['current-context'] as string | undefined) ?? ''
  const context = find(config, 'contexts', name)['context'] as Fields
  const cluster = find(config, 'clusters', String(context['cluster']))['cluster'] as Fields
  const user = find(config, 'users', String(context['user']))['user'] as Fields
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined) {
    throw new Error(
      `${path}: the user of context ${name} runs a program to log in; use one with a token or certificate`,
    )
  }
  const pem = async (fields: Fields, key: string): Promise<string | undefined> => {
    const data = fields[`${key}-data`] as string | undefined
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
    const file = fields[key] as string | undefined
    return file === undefined ? undefined : readFile(resolve(dirname(path), file), 'utf8')
  }
  const certificate = await pem(user, 'client-certificate')
  const key = await pem(user, 'client-key')
  const tokenFile = user['tokenFile'] as string | undefined
  const token =
    tokenFile === undefined
      ? (user['token'] as string | undefined)
      : (await readFile(resolve(dirname(path), tokenFile), 'utf8')).trim()
  return {
    server: String(cluster['server']).replace(/\/+$/, ''),
    certificateAuthority: await pem(cluster, 'certificate-authority'),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    serverName: cluster['tls-server-name'] as string | undefined,
    credentials: {
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
      ...(token === undefined ? {} : { token }),
    },
  }
}

function find(config: Fields, list: string, name: string): Fields {
  const found = ((config[list] ?? []) as Fields[]).find((item) => item['name'] === name)
  if (found === undefined) throw new Error(`the kubeconfig has no ${JSON.stringify(name)} in its ${list}`)
  return found
}
