/** A user of a kubeconfig, with a client certificate (PEM) or a token. */
export type KubeconfigUser =
  | { readonly name: string; readonly certificate: string; readonly key: string }
  | { readonly name: string; readonly token: string }

export interface KubeconfigInput {
  /** Of all clusters, PEM. */
  readonly certificateAuthority: string
  readonly clusters: readonly { readonly name: string; readonly server: string }[]
  readonly users: readonly KubeconfigUser[]
  /** The first one is the current one. */
  readonly contexts: readonly { readonly name: string; readonly cluster: string; readonly user: string }[]
}

/** Writes a kubeconfig: a pure function; names must need no quoting in YAML. */
export function kubeconfigText(input: KubeconfigInput): string {
  const { certificateAuthority, clusters, users, contexts } = input
  return [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${contexts[0]!.name}`,
    'clusters:',
    ...clusters.flatMap(({ name, server }) => [
      `- name: ${name}`,
      '  cluster:',
      `    server: ${server}`,
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
