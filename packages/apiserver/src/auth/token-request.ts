import { badRequest, conflict, fieldInvalid, invalid, notFound, timestamp } from '@locktender/kube'
import { parseObject } from '../write/decode.ts'
import type { Answer } from '../handlers/answer.ts'
import { keyOf } from '../handlers/context.ts'
import type { RequestContext } from '../handlers/context.ts'
import { isYamlBody } from '../present/media-types.ts'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { groupResourceOf } from '../served-resource.ts'
import { serviceAccountName } from '../user.ts'
import { View } from '../present/view.ts'
import { issuerOf } from './authenticator.ts'
import type { KubernetesClaim, NameAndUid } from './service-account-tokens.ts'

const API_VERSION = 'authentication.k8s.io/v1'
const KIND = 'TokenRequest'

const DEFAULT_SECONDS = 60 * 60
const MIN_SECONDS = 10 * 60
const MAX_SECONDS = 2 ** 32

/** Kinds a token can be bound to, as `apiVersion, Kind`, and how they are stored. */
const BINDABLE: Readonly<Record<string, { readonly plural: string; readonly claim: 'pod' | 'secret' | 'node' }>> = {
  'v1, Pod': { plural: 'pods', claim: 'pod' },
  'v1, Secret': { plural: 'secrets', claim: 'secret' },
  'v1, Node': { plural: 'nodes', claim: 'node' },
}

/** POST to `serviceaccounts/NAME/token`: a token by which the service account proves who it is. */
export async function handleTokenRequest(context: RequestContext): Promise<Answer> {
  const { cluster, served, request, headers, body } = context
  const review = parseObject(body, isYamlBody(headers['content-type']), served).object
  if (review.kind !== KIND || review.apiVersion !== API_VERSION) {
    throw badRequest(`the body of a token request must be a ${KIND} of ${API_VERSION}`)
  }
  const { database } = cluster
  const account = database.read(keyOf(context))
  if (account === undefined) throw notFound(groupResourceOf(served), request.name!)
  const { name, namespace = '', uid = '' } = account.metadata
  const spec = isRecord(review['spec']) ? review['spec'] : {}
  const seconds = secondsOf(spec)
  const audiences = audiencesOf(spec) ?? [issuerOf(cluster)]
  const claim: KubernetesClaim = { namespace, serviceaccount: { name, uid }, ...boundTo(context, spec, account) }
  const token = await cluster.credentials.serviceAccounts.issue(
    { iss: issuerOf(cluster), sub: serviceAccountName(namespace, name), aud: audiences, 'kubernetes.io': claim },
    seconds,
  )
  const now = database.now()
  const object: AnyObject = {
    kind: KIND,
    apiVersion: API_VERSION,
    metadata: { name, namespace, uid, creationTimestamp: now },
    spec: { ...spec, audiences, expirationSeconds: seconds, boundObjectRef: spec['boundObjectRef'] ?? null },
    status: { token, expirationTimestamp: timestamp(database.clock.now() + seconds * 1000) },
  }
  return { kind: 'object', code: 201, view: View.ofObject(object) }
}

function secondsOf(spec: Record<string, unknown>): number {
  const seconds = spec['expirationSeconds'] ?? DEFAULT_SECONDS
  const refuse = (why: string): Error =>
    invalid({ group: 'authentication.k8s.io', kind: KIND }, '', [
      fieldInvalid('spec.expirationSeconds', seconds as number, why),
    ])
  if (typeof seconds !== 'number' || !Number.isInteger(seconds)) throw refuse('must be a whole number')
  if (seconds < MIN_SECONDS) throw refuse('may not specify a duration less than 10 minutes')
  if (seconds > MAX_SECONDS) throw refuse('may not specify a duration larger than 2^32 seconds')
  return seconds
}

function audiencesOf(spec: Record<string, unknown>): string[] | undefined {
  const { audiences } = spec
  if (audiences === undefined || audiences === null) return undefined
  if (!Array.isArray(audiences) || audiences.some((audience) => typeof audience !== 'string')) {
    throw badRequest('spec.audiences is not a list of strings')
  }
  return audiences.length === 0 ? undefined : (audiences as string[])
}

/** The claim about the object the token ends with. */
function boundTo(
  { cluster, request }: RequestContext,
  spec: Record<string, unknown>,
  account: AnyObject,
): Partial<Record<'pod' | 'secret' | 'node', NameAndUid>> {
  const reference = spec['boundObjectRef']
  if (!isRecord(reference)) return {}
  const { apiVersion = 'v1', kind, name, uid } = reference as Record<string, string | undefined>
  const bindable = BINDABLE[`${apiVersion}, ${kind}`]
  if (bindable === undefined) throw badRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`)
  const { plural, claim } = bindable
  const { database } = cluster
  const where = claim === 'node' ? undefined : request.namespace
  const key = database.key(cluster.name, { group: '', plural }, where, name ?? '')
  const object = database.read(key)
  if (object === undefined) throw notFound({ group: '', resource: plural }, name ?? '')
  if (uid !== undefined && uid !== '' && uid !== object.metadata.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    throw conflict({ group: '', resource: plural }, name!, why)
  }
  const claims = { [claim]: { name: name!, uid: object.metadata.uid! } }
  if (claim !== 'pod') return claims
  const pod = isRecord(object['spec']) ? object['spec'] : {}
  if (pod['serviceAccountName'] !== account.metadata.name) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
    )
  }
  const node = typeof pod['nodeName'] === 'string' ? pod['nodeName'] : undefined
  const found =
    node === undefined
      ? undefined
      : database.read(database.key(cluster.name, { group: '', plural: 'nodes' }, undefined, node))
  return found === undefined ? claims : { ...claims, node: { name: node!, uid: found.metadata.uid! } }
}
