import type { JsonPatchOperation } from '@locktender/kube'
import { type Controller, MANAGEMENT } from '@locktender/runtime'
import { type Authentication, authentications, KEY, SINGLETON } from '../resources.ts'

/** Conditions of controllers that no longer exist. */
const STALE: ReadonlySet<string> = new Set(['WebhookAuthenticatorCertApprover_OpenShiftAuthenticatorDegraded'])

/** Takes conditions out of the status that nobody writes any more. */
export const removeStaleConditions: Controller = {
  name: 'sample-operator-RemoveStaleConditions',
  reads: [
    {
      cluster: MANAGEMENT,
      resource: authentications,
      name: SINGLETON,
      fields: ['status.conditions'],
      keys: () => [KEY],
    },
  ],
  writes: [{ cluster: MANAGEMENT, resource: authentications, name: SINGLETON, subresource: 'status' }],
  async reconcile(_key, world) {
    const cluster = world.cluster(MANAGEMENT)
    const conditions = cluster.cache<Authentication>(authentications).get(SINGLETON)?.status?.conditions ?? []
    const operations = removals(conditions.map(({ type }) => type ?? ''))
    if (operations.length === 0) return
    await cluster.client.patch(authentications, { name: SINGLETON }, operations, {
      type: 'json',
      subresource: 'status',
    })
  },
}

/** From the end, so that each index still counts; each tests first that nothing has moved. */
function removals(types: readonly string[]): JsonPatchOperation[] {
  return types
    .flatMap((type, index): JsonPatchOperation[] =>
      STALE.has(type)
        ? [
            { op: 'remove', path: `/status/conditions/${index}` },
            { op: 'test', path: `/status/conditions/${index}/type`, value: type },
          ]
        : [],
    )
    .toReversed()
}
