import { ApiError, applyJsonPatch, deepEqual, internalError, PatchError } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { asObject } from '../write/decode.ts'
import { checkInTime } from '../write/write-context.ts'
import type { AnyObject } from '../objects/object.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { matchRules } from './matching.ts'
import { ask, heed, invocationOf, shownTo, WebhookFailure } from './webhook.ts'
import type { Invocation, Webhook } from './webhook.ts'
import type { Verdict } from './review.ts'
import { asVersion, prepareVersion } from './versions.ts'

/**
 * Asks the webhooks one after the other; each sees what the one before made of the object. When one changes it, those
 * before it that want so are asked once more at the end.
 * @throws ApiError
 */
export async function mutateByWebhooks(
  attributes: AdmissionAttributes,
  webhooks: readonly Webhook[],
): Promise<AnyObject | undefined> {
  const { cluster, served } = attributes.context
  let current = attributes
  /** Asked so far, in case a later one changes the object. */
  let earlier = new Set<string>()
  const again = new Set<string>()
  for (const round of [0, 1]) {
    if (round === 1 && again.size === 0) break
    for (const webhook of webhooks) {
      const as = matchRules(webhook.rules, webhook.equivalent, current)
      if (as === undefined) continue
      await prepareVersion(cluster, [current.object, current.oldObject], served, as)
      const invocation = invocationOf(webhook, current)
      if (invocation === undefined || (round === 1 && !again.has(webhook.id))) continue
      const changed = await callOne(invocation, current)
      if (changed === undefined) checkInTime(attributes.context)
      if (changed !== undefined && changed !== current.object) {
        for (const id of earlier) again.add(id)
        earlier = new Set()
        current = { ...current, object: changed }
      }
      if (webhook.reinvocable) earlier.add(webhook.id)
    }
  }
  return current.object
}

/** The object after this webhook; undefined when it could not be asked and need not be. */
async function callOne(invocation: Invocation, attributes: AdmissionAttributes): Promise<AnyObject | undefined> {
  const shown = shownTo(invocation, attributes)
  try {
    const verdict = await ask(invocation, attributes, shown, true)
    heed(invocation, attributes, verdict)
    if (verdict.patch === undefined) return attributes.object
    return await applyPatch(invocation, attributes, shown.object, verdict)
  } catch (error) {
    if (!(error instanceof WebhookFailure)) throw error
    if (invocation.webhook.ignoresFailure) return undefined
    throw error.toApiError()
  }
}

async function applyPatch(
  { webhook, as }: Invocation,
  { context, object }: AdmissionAttributes,
  shown: AnyObject | undefined,
  { patch = '', patchType }: Verdict,
): Promise<AnyObject | undefined> {
  const operations = parsePatch(patch)
  if (Array.isArray(operations) && operations.length === 0) return object
  if (shown === undefined) {
    throw internalError(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`,
    )
  }
  if (patchType !== 'JSONPatch') {
    throw new WebhookFailure(webhook.name, `unsupported patch type ${JSON.stringify(patchType)}`)
  }
  let patched: AnyObject
  try {
    patched = asObject(applyJsonPatch(shown as unknown as Json, operations), as)
  } catch (error) {
    if (!(error instanceof PatchError) && !(error instanceof ApiError)) throw error
    throw internalError(error.message)
  }
  if (patched.kind !== shown.kind || patched.apiVersion !== shown.apiVersion) {
    throw internalError(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to make a ${patched.kind} of ${patched.apiVersion} of the ${shown.kind} of ${shown.apiVersion}`,
    )
  }
  if (deepEqual(patched, shown)) return object
  await prepareVersion(context.cluster, [patched], as, context.served)
  return asVersion(patched, as, context.served)
}

function parsePatch(patch: string): unknown {
  try {
    return JSON.parse(patch)
  } catch (error) {
    throw internalError((error as Error).message)
  }
}
