import { ApiError, badRequest, forbidden, internalError, randomUuid } from '@locktender/kube'
import type { Status } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { ServedResource } from '../served-resource.ts'
import type { AdmissionAttributes } from './attributes.ts'
import type { MatchConditions } from './match-conditions.ts'
import { matchRules, matchSelected } from './matching.ts'
import type { MatchCriteria } from './matching.ts'
import { admissionReview, readVerdict, reviewVersion } from './review.ts'
import type { Verdict } from './review.ts'
import { WebhookUnreachable } from './webhook-client.ts'
import type { ClientConfig } from './webhook-client.ts'
import { asVersion } from './versions.ts'

/** A webhook of a stored configuration, ready to be matched and asked. */
export interface Webhook extends MatchCriteria {
  /** Unique among all webhooks of its type. */
  readonly id: string
  readonly name: string
  readonly clientConfig: ClientConfig
  readonly conditions: MatchConditions
  /** Whether the write goes on when the webhook cannot be asked. */
  readonly ignoresFailure: boolean
  readonly timeoutMs: number
  readonly reinvocable: boolean
  readonly hasSideEffects: boolean
  readonly reviewVersions: readonly string[]
}

/** A webhook that has a say in a write, and the version in which it wants to see the object. */
export interface Invocation {
  readonly webhook: Webhook
  readonly as: ServedResource
}

/** The webhook could not be asked; what that means is up to its failure policy. */
export class WebhookFailure extends Error {
  override readonly name = 'WebhookFailure'

  constructor(webhook: string, why: string) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`)
  }

  toApiError(): ApiError {
    return internalError(this.message)
  }
}

/**
 * Whether a webhook wants to be asked about a write.
 * @throws ApiError when that cannot be said
 */
export function invocationOf(webhook: Webhook, attributes: AdmissionAttributes): Invocation | undefined {
  const as = matchSelected(webhook, attributes, () => matchRules(webhook.rules, webhook.equivalent, attributes))
  if (as === undefined) return undefined
  const matched = webhook.conditions.evaluate(attributes, as, webhook.ignoresFailure)
  if (typeof matched === 'boolean') return matched ? { webhook, as } : undefined
  const { context, name } = attributes
  throw forbidden(groupResourceOf(context.served), name, matched.error)
}

/** Objects as the webhook wants to see them. */
export function shownTo({ as }: Invocation, { context, object, oldObject }: AdmissionAttributes) {
  const show = (candidate: AnyObject | undefined): AnyObject | undefined =>
    candidate === undefined ? undefined : asVersion(candidate, context.served, as)
  return { object: show(object), oldObject: show(oldObject) }
}

/**
 * Asks a webhook, for as long as the write has time.
 * @throws ApiError when it may not be asked, WebhookFailure when it cannot be
 */
export async function ask(
  invocation: Invocation,
  attributes: AdmissionAttributes,
  shown: { readonly object: AnyObject | undefined; readonly oldObject: AnyObject | undefined },
  mutating: boolean,
): Promise<Verdict> {
  const { webhook, as } = invocation
  const { cluster, options, deadline } = attributes.context
  const { name } = webhook
  if (options.dryRun && webhook.hasSideEffects) {
    throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`)
  }
  const version = reviewVersion(webhook.reviewVersions)
  if (version === undefined) {
    const why = 'webhook does not accept known AdmissionReview versions (v1, v1beta1)'
    throw new WebhookFailure(name, `could not create admission objects: ${why}`)
  }
  const { clock, random } = cluster.database
  const uid = randomUuid(random)
  let answer: unknown
  try {
    answer = await cluster.webhooks.post({
      cluster: cluster.name,
      config: webhook.clientConfig,
      body: admissionReview(uid, version, attributes, as, shown.object, shown.oldObject),
      timeoutMs: Math.max(1, Math.min(webhook.timeoutMs, deadline - clock.now())),
    })
  } catch (error) {
    if (!(error instanceof WebhookUnreachable)) throw error
    throw new WebhookFailure(name, `failed to call webhook: ${error.message}`)
  }
  try {
    return readVerdict(answer, uid, version, mutating)
  } catch (error) {
    throw new WebhookFailure(name, `received invalid webhook response: ${(error as Error).message}`)
  }
}

/**
 * Passes on the warnings of a webhook and heeds what it says.
 * @throws ApiError when it denies the write
 */
export function heed({ webhook }: Invocation, { context }: AdmissionAttributes, verdict: Verdict): void {
  context.warnings.push(...verdict.warnings)
  if (!verdict.allowed) throw denial(webhook.name, verdict.status ?? {})
}

/** What the webhook says about its denial, with its name before it. */
function denial(webhook: string, said: Partial<Status>): ApiError {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const why = said.message || said.reason
  const { code = 0, reason, details } = said
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: typeof why === 'string' && why !== '' ? `${by}: ${why}` : `${by} without explanation`,
    code: Number.isInteger(code) && code >= 400 && code <= 599 ? code : 400,
  }
  if (typeof reason === 'string' && reason !== '') status.reason = reason
  if (typeof details === 'object' && details !== null) status.details = details
  return new ApiError(status)
}
