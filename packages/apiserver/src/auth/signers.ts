import { mastersGroup } from '../user.ts'
import type { SigningRequest } from './signing-request.ts'

/** A signer that this server is: what it refuses to sign, and why. Undefined when it would sign. */
type Check = (request: SigningRequest, usages: readonly string[]) => string | undefined

export const clientSigner = 'kubernetes.io/kube-apiserver-client'

/** Users of certificates: any, but for the members of the group nothing is refused to. */
function checkClient({ organizations }: SigningRequest, usages: readonly string[]): string | undefined {
  const wrong = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`
  if (!usages.includes('client auth')) return 'missing required usage for client certificate: client auth'
  if (organizations.includes(mastersGroup)) return `the organization ${mastersGroup} cannot be had by request`
  return undefined
}

const NODES = 'system:nodes'
const NODE_PREFIX = 'system:node:'

function checkNode({ commonName, organizations }: SigningRequest): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== NODES) return `subject organization is not ${NODES}`
  return commonName.startsWith(NODE_PREFIX) ? undefined : `subject common name does not begin with ${NODE_PREFIX}`
}

/** The usages a node may ask for: exactly these, of which keys that are not RSA have no use for the second. */
function checkUsages(usages: readonly string[], purpose: string): string | undefined {
  const required = [purpose, 'digital signature', 'key encipherment']
  const fits = (wanted: readonly string[]): boolean =>
    wanted.length === new Set(usages).size && wanted.every((usage) => usages.includes(usage))
  if (fits(required) || fits([purpose, 'digital signature'])) return undefined
  return `usages did not match [${required.toSorted().join(' ')}]`
}

const FORBIDDEN_NAMES: Readonly<Record<string, string>> = {
  dns: 'DNS subjectAltNames are not allowed',
  email: 'Email subjectAltNames are not allowed',
  ip: 'IP subjectAltNames are not allowed',
  url: 'URI subjectAltNames are not allowed',
}

function checkNames({ alternativeNames }: SigningRequest, ...allowed: readonly string[]): string | undefined {
  const wrong = alternativeNames.find(({ type }) => !allowed.includes(type))
  return wrong === undefined
    ? undefined
    : (FORBIDDEN_NAMES[wrong.type] ?? `${wrong.type} subjectAltNames are not allowed`)
}

function checkNodeClient(request: SigningRequest, usages: readonly string[]): string | undefined {
  return checkNode(request) ?? checkNames(request) ?? checkUsages(usages, 'client auth')
}

function checkNodeServing(request: SigningRequest, usages: readonly string[]): string | undefined {
  const named = request.alternativeNames.some(({ type }) => type === 'dns' || type === 'ip')
  return (
    checkNode(request) ??
    (named ? undefined : 'DNS or IP subjectAltName is required') ??
    checkNames(request, 'dns', 'ip') ??
    checkUsages(usages, 'server auth')
  )
}

/** Signers of Kubernetes that sign with the authority of the server, by their names. */
export const signers: Readonly<Record<string, Check>> = {
  [clientSigner]: checkClient,
  'kubernetes.io/kube-apiserver-client-kubelet': checkNodeClient,
  'kubernetes.io/kubelet-serving': checkNodeServing,
}
