/** What the administrator of a server needs to reach it; everything but the URL is PEM. */
export interface AdministratorAccess {
  readonly url: string
  readonly certificateAuthority: string
  readonly certificate: string
  readonly key: string
}

/** A kubeconfig with one cluster, one user and one context, in the current format of kubectl. */
export function administratorKubeconfig(access: AdministratorAccess): string {
  return `apiVersion: v1
kind: Config
current-context: locktender
clusters:
- name: locktender
  cluster:
    server: ${access.url}
    certificate-authority-data: ${base64(access.certificateAuthority)}
users:
- name: admin
  user:
    client-certificate-data: ${base64(access.certificate)}
    client-key-data: ${base64(access.key)}
contexts:
- name: locktender
  context:
    cluster: locktender
    user: admin
`
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
