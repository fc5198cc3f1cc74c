import { configMaps, type KubeObject, secrets, timestamp } from '@locktender/kube'
import { CONFIGURATION, type Controller, MANAGEMENT, USER_WORKLOAD, type Watch } from '@locktender/runtime'
import {
  type Authentication,
  authenticationConfigs,
  authentications,
  consoles,
  coreEvents,
  KEY,
  oauthClients,
  oauths,
  OPERAND_NAMESPACE,
  proxies,
  SINGLETON,
} from '../resources.ts'

const NAME = 'sample-operator-example-ResourceSync'
const CONDITION = 'ResourceSyncControllerDegraded'
const EVENT_NAMESPACE = 'openshift-example-operator'
const REVISIONS = 'operator.openshift.io/controller-instance-name=oauth-apiserver-RevisionController'
const REVISION_NAMESPACE = 'openshift-oauth-apiserver'

const SUBJECT = {
  apiVersion: '',
  kind: 'Deployment',
  metadata: { name: 'example-operator', namespace: EVENT_NAMESPACE },
} as const

function configuration(resource: Watch['resource']): Watch {
  return { cluster: CONFIGURATION, resource, name: SINGLETON, fields: [], keys: () => [KEY] }
}

function revisions(resource: Watch['resource']): Watch {
  return {
    cluster: MANAGEMENT,
    resource,
    namespace: REVISION_NAMESPACE,
    labelSelector: REVISIONS,
    fields: [],
    keys: () => [KEY],
  }
}

/** Stands for a controller that copies configuration to where the operand finds it: says that all is well. */
export const resourceSync: Controller = {
  name: NAME,
  atStart: [KEY],
  reads: [
    {
      cluster: MANAGEMENT,
      resource: secrets,
      namespace: OPERAND_NAMESPACE,
      name: 'v4-0-config-system-ocp-branding-template',
      fields: [],
      keys: () => [KEY],
    },
    configuration(authenticationConfigs),
    configuration(proxies),
    configuration(consoles),
    configuration(oauths),
    revisions(configMaps),
    revisions(secrets),
    {
      cluster: MANAGEMENT,
      resource: authentications,
      name: SINGLETON,
      fields: ['status.conditions'],
      keys: () => [KEY],
    },
  ],
  writes: [
    { cluster: MANAGEMENT, resource: authentications, name: SINGLETON, subresource: 'status' },
    { cluster: MANAGEMENT, resource: coreEvents, namespace: EVENT_NAMESPACE },
    { cluster: USER_WORKLOAD, resource: oauthClients, name: 'openshift-browser-client' },
  ],
  async reconcile(_key, world) {
    const cluster = world.cluster(MANAGEMENT)
    const conditions = cluster.cache<Authentication>(authentications).get(SINGLETON)?.status?.conditions ?? []
    const found = conditions.find(({ type }) => type === CONDITION)
    if (found?.status === 'False') return
    const condition = { lastTransitionTime: timestamp(world.clock.now()), status: 'False' as const, type: CONDITION }
    const applied: KubeObject & Authentication = {
      apiVersion: 'operator.openshift.io/v1',
      kind: 'Authentication',
      metadata: { name: SINGLETON },
      status: { conditions: [condition] },
    }
    world.events.record(MANAGEMENT, SUBJECT, { type: 'Normal', reason: 'must', message: 'event' })
    await cluster.client.apply(authentications, applied, { subresource: 'status', fieldManager: NAME, force: true })
  },
}
