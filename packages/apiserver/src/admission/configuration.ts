import type { Database } from '../database.ts'
import type { AnyObject } from '../objects/object.ts'
import { MatchConditions } from './match-conditions.ts'
import { records } from './expressions.ts'
import { selectorFrom } from './matching.ts'
import type { Rule } from './matching.ts'
import { compilePolicy, policyNameOf } from './policy.ts'
import type { Policy } from './policy.ts'
import type { ClientConfig } from './webhook-client.ts'
import type { Webhook } from './webhook.ts'
import { webhookScope } from './webhook-strategy.ts'

const GROUP = 'admissionregistration.k8s.io'

/** What the stored configurations of one logical cluster say. */
interface Compiled {
  readonly mutating: readonly Webhook[]
  readonly validating: readonly Webhook[]
  /** Only those with bindings: without one, a policy is not in force. */
  readonly policies: readonly Policy[]
}

/** The webhooks and policies of one logical cluster, worked out when a write first asks after a change. */
export class AdmissionConfiguration {
  readonly #cluster: string
  readonly #database: Database
  readonly #endWatch: () => void
  #compiled: Compiled | undefined

  constructor(cluster: string, database: Database) {
    this.#cluster = cluster
    this.#database = database
    const { store } = database
    this.#endWatch = store.watch(`/${cluster}/${GROUP}/`, store.revision, () => {
      this.#compiled = undefined
    })
  }

  close(): void {
    this.#endWatch()
  }

  get current(): Compiled {
    this.#compiled ??= {
      mutating: this.#webhooks('mutatingwebhookconfigurations'),
      validating: this.#webhooks('validatingwebhookconfigurations'),
      policies: this.#policies(),
    }
    return this.#compiled
  }

  #list(plural: string): AnyObject[] {
    const prefix = this.#database.prefix(this.#cluster, { group: GROUP, plural })
    return this.#database.store.range(prefix).items.map((stored) => this.#database.parse(stored))
  }

  #policies(): Policy[] {
    const bindings = this.#list('validatingadmissionpolicybindings')
    if (bindings.length === 0) return []
    return this.#list('validatingadmissionpolicies').flatMap((policy) => {
      const own = bindings.filter((binding) => policyNameOf(binding) === policy.metadata.name)
      return own.length === 0 ? [] : [compilePolicy(policy, own)]
    })
  }

  /** In the order they are asked in: by name of the configuration, then as they stand in it. */
  #webhooks(plural: string): Webhook[] {
    return this.#list(plural).flatMap((configuration) =>
      records(configuration['webhooks']).map((webhook) => compileWebhook(configuration.metadata.name, webhook)),
    )
  }
}

/** Everything here has been validated and defaulted when it was written. */
function compileWebhook(configuration: string, webhook: Record<string, unknown>): Webhook {
  const name = webhook['name'] as string
  return {
    id: `${configuration}/${name}`,
    name,
    clientConfig: webhook['clientConfig'] as ClientConfig,
    rules: (webhook['rules'] ?? []) as readonly Rule[],
    equivalent: webhook['matchPolicy'] !== 'Exact',
    namespaceSelector: selectorFrom(webhook['namespaceSelector']),
    objectSelector: selectorFrom(webhook['objectSelector']),
    conditions: new MatchConditions(webhook['matchConditions'], webhookScope),
    ignoresFailure: webhook['failurePolicy'] === 'Ignore',
    timeoutMs: ((webhook['timeoutSeconds'] as number | undefined) ?? 10) * 1000,
    reinvocable: webhook['reinvocationPolicy'] === 'IfNeeded',
    hasSideEffects: webhook['sideEffects'] !== 'None' && webhook['sideEffects'] !== 'NoneOnDryRun',
    reviewVersions: (webhook['admissionReviewVersions'] ?? []) as readonly string[],
  }
}
