/** A user of the generated kubeconfig: a client certificate or a token. */
export type KubeconfigUser =
  | { readonly name: string; readonly certificate: string; readonly key: string }
  | { readonly name: string; readonly token: string }

export interface KubeconfigInput {
  /** URL of the API server without the path of a logical cluster. */
  readonly url: string
  /** PEM. */
  readonly certificateAuthority: string
  /** Names of the logical clusters; the first one is the current context. */
  readonly clusters: readonly string[]
  readonly users: readonly KubeconfigUser[]
  readonly contexts: readonly { readonly name: string; readonly cluster: string; readonly user: string }[]
}

/** Writes a kubeconfig: a pure function; names must need no quoting in YAML. */
export function kubeconfig(input: KubeconfigInput): string {
  const { url, certificateAuthority, clusters, users, contexts } = input
  return [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${contexts[0]!.name}`,
    'clusters:',
    ...clusters.flatMap((name) => [
      `- name: ${name}`,
      '  cluster:',
      `    server: ${url}/clusters/${name}`,
      `    certificate-authority-data: ${base64(certificateAuthority)}`,
    ]),
    'users:',
    ...users.flatMap((user) => [
      `- name: ${user.name}`,
      '  user:',
      ...('token' in user
        ? [`    token: ${user.token}`]
        : [`    client-certificate-data: ${base64(user.certificate)}`, `    client-key-data: ${base64(user.key)}`]),
    ]),
    'contexts:',
    ...contexts.flatMap(({ name, cluster, user }) => [
      `- name: ${name}`,
      '  context:',
      `    cluster: ${cluster}`,
      `    user: ${user}`,
    ]),
    '',
  ].join('\n')
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
