import { apiVersionOf } from '@locktender/kube'
import type { Status } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { describeSubresource } from '../subresources.ts'
import type { UserInfo } from '../user.ts'
import { namespaceOf, optionsOf } from './attributes.ts'
import type { AdmissionAttributes } from './attributes.ts'

type ReviewVersion = 'v1' | 'v1beta1'

/** A webhook's verdict, checked for form. */
export interface Verdict {
  readonly allowed: boolean
  /** What to change in the object: text of a JSON patch. */
  readonly patch: string | undefined
  readonly patchType: string | undefined
  readonly status: Partial<Status> | undefined
  readonly warnings: readonly string[]
}

/** What is asked, without the objects and the uid: expressions see the same. */
export function describeRequest(attributes: AdmissionAttributes, as: ServedResource): Record<string, unknown> {
  const { context, operation, name } = attributes
  const { served, subresource, user, options } = context
  const namespace = namespaceOf(attributes)
  const part = subresource === undefined ? {} : { subResource: subresource, requestSubResource: subresource }
  return {
    kind: kindOf(as, subresource),
    resource: resourceOf(as),
    requestKind: kindOf(served, subresource),
    requestResource: resourceOf(served),
    ...part,
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: userInfoOf(user),
    dryRun: options.dryRun,
    options: optionsOf(attributes),
  }
}

function kindOf({ resource }: ServedResource, subresource: string | undefined): Record<string, string> {
  const { group, version, kind } =
    (subresource === undefined ? undefined : describeSubresource(subresource).kind) ?? resource
  return { group, version, kind }
}

function resourceOf({ resource: { group, version, plural } }: ServedResource): Record<string, string> {
  return { group, version, resource: plural }
}

function userInfoOf(user: UserInfo): Record<string, unknown> {
  const { extra } = user as { readonly extra?: Readonly<Record<string, readonly string[]>> }
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(extra === undefined ? {} : { extra }),
  }
}

/** The question for a webhook. */
export function admissionReview(
  uid: string,
  version: ReviewVersion,
  attributes: AdmissionAttributes,
  as: ServedResource,
  object: AnyObject | undefined,
  oldObject: AnyObject | undefined,
): Record<string, unknown> {
  return {
    kind: 'AdmissionReview',
    apiVersion: apiVersionOf({ group: 'admission.k8s.io', version }),
    request: {
      uid,
      ...describeRequest(attributes, as),
      object: object ?? null,
      oldObject: oldObject ?? null,
    },
  }
}

/** The first version both sides know. */
export function reviewVersion(accepted: readonly string[]): ReviewVersion | undefined {
  return accepted.find((version): version is ReviewVersion => version === 'v1' || version === 'v1beta1')
}

/**
 * Checks the form of an answer.
 * @throws Error with what is wrong, in the words of Kubernetes
 */
export function readVerdict(answer: unknown, uid: string, version: ReviewVersion, mutating: boolean): Verdict {
  const response = isRecord(answer) ? answer['response'] : undefined
  if (!isRecord(answer) || !isRecord(response)) throw new Error('webhook response was absent')
  const patch = text(response['patch'])
  const patchType = text(response['patchType'])
  if (version === 'v1') {
    if (response['uid'] !== uid) {
      throw new Error(
        `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response['uid']) ?? '')}`,
      )
    }
    const [group, served] = typeof answer['apiVersion'] === 'string' ? answer['apiVersion'].split('/') : ['', '']
    if (group !== 'admission.k8s.io' || served !== 'v1' || answer['kind'] !== 'AdmissionReview') {
      const got = `${group}/${served ?? ''}, Kind=${text(answer['kind']) ?? ''}`
      throw new Error(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}`)
    }
    checkPatch(patch, patchType, mutating)
  }
  const status = response['status']
  const warnings = response['warnings']
  return {
    allowed: response['allowed'] === true,
    patch: mutating && patch !== undefined && patch !== '' ? Buffer.from(patch, 'base64').toString('utf8') : undefined,
    patchType: version === 'v1' ? patchType : 'JSONPatch',
    status: isRecord(status) ? status : undefined,
    warnings: Array.isArray(warnings) ? warnings.filter((warning) => typeof warning === 'string') : [],
  }
}

function checkPatch(patch = '', patchType: string | undefined, mutating: boolean): void {
  if (!mutating) {
    if (patch !== '') throw new Error('validating webhook may not return response.patch')
    if (patchType !== undefined) throw new Error('validating webhook may not return response.patchType')
    return
  }
  if (patch !== '' && patchType === undefined) {
    throw new Error('webhook returned response.patch but not response.patchType')
  }
  if (patch === '' && patchType !== undefined) {
    throw new Error('webhook returned response.patchType but not response.patch')
  }
  if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""')
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
