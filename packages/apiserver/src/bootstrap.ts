import { deepEqual, isAlreadyExists } from '@locktender/kube'
import { aggregatedRules } from './auth/aggregation.ts'
import { missingRules, RBAC_GROUP } from './auth/policy-rules.ts'
import type { PolicyRule } from './auth/policy-rules.ts'
import type { Subject } from './auth/binding-index.ts'
import { SYSTEM_PRIORITIES } from './builtins/node-strategies.ts'
import { bootstrapRoles } from './bootstrap-roles.ts'
import type { BootstrapRole } from './bootstrap-roles.ts'
import type { LogicalCluster } from './cluster.ts'
import type { AnyObject } from './objects/object.ts'
import { systemUser } from './user.ts'
import { writeDeadline } from './write/write-context.ts'
import type { WriteContext } from './write/write-context.ts'
import { createObject, updateObject } from './write/write-pipeline.ts'

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const BOOTSTRAPPED = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
/** Its owner sets it to `false` to keep a role or binding as it is. */
const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'
const OPTIONS = { dryRun: false, fieldValidation: 'Ignore', fieldManager: 'apiserver', force: false } as const

/**
 * Makes the namespaces and roles every API server has. What is there already stays, but for rights and subjects that
 * it lacks: those are added, as later versions may need them.
 */
export async function bootstrap(cluster: LogicalCluster): Promise<void> {
  await Promise.all(
    NAMESPACES.map((name) => ensure(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  )
  const roles = bootstrapRoles.map(roleOf)
  await Promise.all([
    ...SYSTEM_PRIORITIES.map((priority) => ensure(cluster, priorityOf(priority))),
    ...NAMESPACES.map((namespace) => ensure(cluster, defaultServiceAccount(namespace))),
    ...roles.map((role) => ensure(cluster, gathered(role, roles))),
    ...bootstrapRoles.flatMap(bindingOf).map((binding) => ensure(cluster, binding)),
  ])
}

/** The account of who asks for none in particular; every namespace has one. */
function defaultServiceAccount(namespace: string): AnyObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
}

async function ensure(cluster: LogicalCluster, object: AnyObject): Promise<void> {
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/', 1)[0]! : ''
  const kind = object.kind.toLowerCase()
  const served = cluster.registry.find(group, 'v1', kind.endsWith('s') ? `${kind}es` : `${kind}s`)!
  const { database } = cluster
  const { name, namespace } = object.metadata
  const context: WriteContext = {
    cluster,
    served,
    user: systemUser,
    namespace,
    subresource: undefined,
    options: OPTIONS,
    warnings: [],
    deadline: writeDeadline(database.clock),
  }
  const stored = database.store.get(database.key(cluster.name, served.storedAs, namespace, name))
  if (stored !== undefined) {
    const live = database.objectAs(served, stored)
    const next = completed(live, object)
    if (next !== undefined) await updateObject(context, stored, live, next)
    return
  }
  try {
    await createObject(context, object)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

function priorityOf({ name, value, description }: (typeof SYSTEM_PRIORITIES)[number]): AnyObject {
  return {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    preemptionPolicy: 'PreemptLowerPriority',
    description,
  }
}

function roleOf({ name, labels, rules = [], aggregates }: BootstrapRole): AnyObject {
  return {
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: 'ClusterRole',
    metadata: metadataOf(name, labels),
    ...(aggregates === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: 'true' } }] } }),
    rules,
  }
}

/** With the rules the controller would gather, so that nobody has to wait for it. */
function gathered(role: AnyObject, roles: readonly AnyObject[]): AnyObject {
  // Roles gather from roles that gather, so it takes as many rounds as they stand one above the other.
  let rounds = roles
  for (let round = 0; round < 2; round++) {
    rounds = rounds.map((one) => ({ ...one, rules: aggregatedRules(one, rounds) ?? one['rules'] }))
  }
  return { ...role, rules: aggregatedRules(role, rounds) ?? role['rules'] }
}

function bindingOf({ name, groups = [] }: BootstrapRole): AnyObject[] {
  if (groups.length === 0) return []
  return [
    {
      apiVersion: `${RBAC_GROUP}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: metadataOf(name),
      roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name },
      subjects: groups.map((group) => ({ apiGroup: RBAC_GROUP, kind: 'Group', name: group })),
    },
  ]
}

function metadataOf(name: string, labels?: Readonly<Record<string, string>>): AnyObject['metadata'] {
  return { name, labels: { ...BOOTSTRAPPED, ...labels }, annotations: { [AUTO_UPDATE]: 'true' } }
}

/** `live` with what it lacks of `wanted`; undefined when that is nothing, or when it may not be touched. */
function completed(live: AnyObject, wanted: AnyObject): AnyObject | undefined {
  if (!wanted.kind.startsWith('ClusterRole') || live.metadata.annotations?.[AUTO_UPDATE] === 'false') return undefined
  const next: AnyObject = {
    ...live,
    metadata: {
      ...live.metadata,
      labels: { ...live.metadata.labels, ...wanted.metadata.labels },
      annotations: { ...wanted.metadata.annotations, ...live.metadata.annotations },
    },
  }
  if (wanted.kind === 'ClusterRoleBinding') {
    const subjects = (live['subjects'] ?? []) as Subject[]
    const missing = (wanted['subjects'] as Subject[]).filter((one) => !subjects.some((known) => deepEqual(known, one)))
    next['subjects'] = [...subjects, ...missing]
  } else if (wanted['aggregationRule'] === undefined) {
    const rules = (live['rules'] ?? []) as PolicyRule[]
    next['rules'] = [...rules, ...missingRules(rules, wanted['rules'] as PolicyRule[])]
  } else if (live['aggregationRule'] === undefined) {
    next['aggregationRule'] = wanted['aggregationRule']
    next['rules'] = wanted['rules']
  }
  return deepEqual(next, live) ? undefined : next
}
