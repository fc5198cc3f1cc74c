import { checkInTime } from '../write/write-context.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { ask, heed, shownTo, WebhookFailure } from './webhook.ts'
import type { Invocation } from './webhook.ts'

/**
 * Asks all webhooks at once. When several refuse, the first in their order is heard, however fast the others were.
 * @throws ApiError
 */
export async function validateByWebhooks(
  attributes: AdmissionAttributes,
  invocations: readonly Invocation[],
): Promise<void> {
  const verdicts = await Promise.allSettled(
    invocations.map((invocation) => ask(invocation, attributes, shownTo(invocation, attributes), false)),
  )
  for (const [index, verdict] of verdicts.entries()) {
    const invocation = invocations[index]!
    if (verdict.status === 'fulfilled') {
      heed(invocation, attributes, verdict.value)
      continue
    }
    const error: unknown = verdict.reason
    if (!(error instanceof WebhookFailure)) throw error
    if (!invocation.webhook.ignoresFailure) throw error.toApiError()
    checkInTime(attributes.context)
  }
}
