import { X509Certificate } from 'node:crypto'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  forbidden,
} from '@locktender/kube'
import type { Condition, FieldError, Json, KubeObject } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { Strategy } from '../served-resource.ts'
import { mastersGroup } from '../user.ts'
import type { WriteContext } from '../write/write-context.ts'
import { clientSigner } from './signers.ts'
import { parseSigningRequest, SigningRequestError, usages as knownUsages } from './signing-request.ts'

/** certificates.k8s.io/v1 CertificateSigningRequest. */
export interface CertificateRequest extends KubeObject {
  readonly spec: {
    /** PEM, in base64. */
    readonly request: string
    readonly signerName: string
    readonly usages: readonly string[]
    readonly expirationSeconds?: number
  }
  readonly status?: {
    /** PEM, in base64. */
    readonly certificate?: string
    readonly conditions?: readonly RequestCondition[]
  }
}

interface RequestCondition extends Partial<Condition> {
  readonly type: string
  readonly lastUpdateTime?: string
}

const MIN_SECONDS = 600
const SIGNER_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
/** Conditions that somebody decides with the right to approve; they stay. */
const DECISIONS: readonly string[] = ['Approved', 'Denied']

/**
 * Requests for certificates say who made them, and stay as they are: who may `approve` or `sign` for a signer decides
 * on them through the subresources.
 */
export const certificateRequestStrategy: Strategy = {
  prepareCreate(object, { user }) {
    const { username: _n, uid: _u, groups: _g, extra: _e, ...spec } = specOf(object)
    const { name, groups, uid, extra } = user
    return {
      ...object,
      spec: {
        ...spec,
        username: name,
        groups,
        ...(uid === undefined ? {} : { uid }),
        ...(extra === undefined ? {} : { extra }),
      },
      status: {},
    }
  },
  prepareUpdate: (object, live) => ({ ...object, spec: live['spec'], status: live['status'] ?? {} }),
  prepareStatus(object, live, subresource, { now }) {
    const before = statusOf(live)
    const after = statusOf(object)
    if (subresource === 'approval') {
      return {
        ...object,
        status: { ...before, conditions: timed(after.conditions ?? [], before.conditions ?? [], now) },
      }
    }
    const { conditions: sent = [], ...status } = after
    const isDecision = ({ type }: RequestCondition): boolean => DECISIONS.includes(type)
    const conditions = [
      ...(before.conditions ?? []).filter(isDecision),
      ...sent.filter((condition) => !isDecision(condition)),
    ]
    if (conditions.length === 0) return { ...object, status }
    return { ...object, status: { ...status, conditions: timed(conditions, before.conditions ?? [], now) } }
  },
  authorize(context, object, live) {
    if (live === undefined) return
    const { subresource } = context
    const signer = specOf(object)['signerName'] as string
    if (subresource === 'approval') {
      needRight(context, 'approve', signer, live.metadata.name)
    } else if (subresource === 'status' && decidesMore(object, live)) {
      needRight(context, 'sign', signer, live.metadata.name)
    }
  },
  validate: (object, live) => (live === undefined ? validateSpec(specOf(object)) : validateStatus(object, live)),
  async verify(object, context) {
    const spec = specOf(object)
    const encoded = spec['request'] as string
    try {
      const { clock } = context.cluster.database
      const { organizations } = await parseSigningRequest(Buffer.from(encoded, 'base64').toString('latin1'), clock)
      if (spec['signerName'] === clientSigner && organizations.includes(mastersGroup)) {
        const why = `use of ${clientSigner} signer with ${mastersGroup} group is not allowed`
        throw forbidden(groupResourceOf(context.served), object.metadata.name, why)
      }
      return []
    } catch (error) {
      if (error instanceof SigningRequestError) return [fieldInvalid('spec.request', encoded, error.message)]
      throw error
    }
  },
}

/** Whether a request has been approved, and not refused or signed yet. */
export function waitsForSignature({ status = {} }: CertificateRequest): boolean {
  const holds = (wanted: string): boolean =>
    (status.conditions ?? []).some((condition) => condition.type === wanted && condition.status === 'True')
  return holds('Approved') && !holds('Denied') && !holds('Failed') && (status.certificate ?? '') === ''
}

function specOf(object: AnyObject): Record<string, unknown> {
  return isRecord(object['spec']) ? object['spec'] : {}
}

function statusOf(object: AnyObject): NonNullable<CertificateRequest['status']> {
  return isRecord(object['status']) ? object['status'] : {}
}

/** Conditions with the times that were left out: since when they say what they say. */
function timed(
  conditions: readonly RequestCondition[],
  before: readonly RequestCondition[],
  now: string,
): readonly RequestCondition[] {
  return conditions.map((condition) => {
    const old = before.find(({ type }) => type === condition.type)
    const same = old?.status === condition.status ? old : undefined
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
    }
  })
}

function decidesMore(object: AnyObject, live: AnyObject): boolean {
  const [after, before] = [statusOf(object), statusOf(live)]
  return (
    after.certificate !== before.certificate ||
    JSON.stringify(after.conditions ?? []) !== JSON.stringify(before.conditions ?? [])
  )
}

/** Rights on a signer are for one, or for all of a domain. */
function needRight(
  { cluster, served, user }: WriteContext,
  verb: 'approve' | 'sign',
  signer: string,
  name: string,
): void {
  const attributes = { verb, group: 'certificates.k8s.io', resource: 'signers' }
  const domain = `${signer.split('/')[0]}/*`
  if ([signer, domain].some((one) => cluster.authorizer.allows(user, { ...attributes, name: one }))) return
  const why = `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`
  throw forbidden(groupResourceOf(served), name, why)
}

function validateSpec(spec: Record<string, unknown>): FieldError[] {
  const { request, usages, signerName, expirationSeconds } = spec
  const errors: FieldError[] = []
  if (typeof request !== 'string' || request === '') errors.push(fieldRequired('spec.request'))
  if (!Array.isArray(usages) || usages.length === 0) errors.push(fieldRequired('spec.usages'))
  else {
    usages.forEach((usage: Json, index) => {
      const path = `spec.usages[${index}]`
      if (!knownUsages.includes(usage as string)) errors.push(fieldNotSupported(path, usage, knownUsages))
      else if (usages.indexOf(usage) < index) errors.push(fieldDuplicate(path, usage))
    })
  }
  if (typeof signerName !== 'string' || signerName === '') errors.push(fieldRequired('spec.signerName'))
  else if (signerName === 'kubernetes.io/legacy-unknown') {
    errors.push(
      fieldInvalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version'),
    )
  } else if (!SIGNER_NAME.test(signerName)) {
    const why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
    errors.push(fieldInvalid('spec.signerName', signerName, why))
  }
  if (expirationSeconds !== undefined && expirationSeconds !== null) {
    if (typeof expirationSeconds !== 'number' || !(expirationSeconds >= MIN_SECONDS)) {
      const why = 'may not specify a duration less than 600 seconds (10 minutes)'
      errors.push(fieldInvalid('spec.expirationSeconds', expirationSeconds as Json, why))
    }
  }
  return errors
}

function validateStatus(object: AnyObject, live: AnyObject): FieldError[] {
  const [after, before] = [statusOf(object), statusOf(live)]
  const conditions = after.conditions ?? []
  if (!Array.isArray(conditions)) return [fieldInvalid('status.conditions', null, 'must be a list')]
  const errors = (conditions as RequestCondition[]).flatMap((condition, index) =>
    validateCondition(condition, conditions as RequestCondition[], `status.conditions[${index}]`, index),
  )
  const kept = new Set((conditions as RequestCondition[]).map(({ type }) => type))
  for (const { type } of before.conditions ?? []) {
    if ([...DECISIONS, 'Failed'].includes(type) && !kept.has(type)) {
      errors.push(
        fieldForbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`),
      )
    }
  }
  const { certificate } = after
  if (certificate === before.certificate) return errors
  if (before.certificate !== undefined) {
    errors.push(fieldForbidden('status.certificate', 'updates may not modify existing certificate content'))
  } else if (!isCertificate(certificate)) {
    errors.push(
      fieldInvalid('status.certificate', certificate as Json, 'must contain at least one CERTIFICATE PEM block'),
    )
  }
  return errors
}

function validateCondition(
  { type, status }: RequestCondition,
  all: readonly RequestCondition[],
  path: string,
  index: number,
): FieldError[] {
  if (typeof type !== 'string' || type === '') return [fieldRequired(`${path}.type`)]
  const errors: FieldError[] = []
  if (status === undefined) errors.push(fieldRequired(`${path}.status`))
  else if ([...DECISIONS, 'Failed'].includes(type) && status !== 'True') {
    errors.push(fieldNotSupported(`${path}.status`, status, ['True']))
  }
  if (all.findIndex((other) => other.type === type) < index) errors.push(fieldDuplicate(`${path}.type`, type))
  if (type === 'Denied' && all.some((other) => other.type === 'Approved')) {
    errors.push(fieldInvalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive'))
  }
  return errors
}

function isCertificate(encoded: unknown): boolean {
  if (typeof encoded !== 'string') return false
  try {
    return new X509Certificate(Buffer.from(encoded, 'base64')).serialNumber !== ''
  } catch {
    return false
  }
}
