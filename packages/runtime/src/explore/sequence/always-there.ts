import type { KubeObject } from '@locktender/kube'

const ALWAYS_THERE: Readonly<Record<string, readonly string[]>> = {
  Namespace: ['default', 'kube-system', 'kube-public', 'kube-node-lease'],
  ConfigMap: ['kube-root-ca.crt'],
  ServiceAccount: ['default'],
}

/** Whether every API server has the object by itself. */
export function isAlwaysThere({ kind, metadata }: KubeObject): boolean {
  return ALWAYS_THERE[kind]?.includes(metadata.name) === true
}
