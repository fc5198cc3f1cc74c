import type { Condition, KubeObject, Resource } from '@locktender/kube'

function config(kind: string, plural: string): Resource {
  return { group: 'config.openshift.io', version: 'v1', plural, kind, namespaced: false }
}

export const ingresses = config('Ingress', 'ingresses')
export const proxies = config('Proxy', 'proxies')
export const consoles = config('Console', 'consoles')
export const oauths = config('OAuth', 'oauths')
export const authenticationConfigs = config('Authentication', 'authentications')

/** The operator's own configuration and status. */
export const authentications: Resource = {
  group: 'operator.openshift.io',
  version: 'v1',
  plural: 'authentications',
  kind: 'Authentication',
  namespaced: false,
}

export const oauthClients: Resource = {
  group: 'oauth.openshift.io',
  version: 'v1',
  plural: 'oauthclients',
  kind: 'OAuthClient',
  namespaced: false,
}

/** Events of the core group, as OpenShift's operators write them. */
export const coreEvents: Resource = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true }

export interface Authentication extends KubeObject {
  status?: { conditions?: Partial<Condition>[] }
}

/** The name of the one object of cluster-wide kinds. */
export const SINGLETON = 'cluster'
/** The one key of controllers that look after one thing. */
export const KEY = 'cluster'
export const OPERAND_NAMESPACE = 'openshift-authentication'
