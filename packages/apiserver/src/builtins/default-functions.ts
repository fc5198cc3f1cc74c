import { isObject } from '@locktender/kube'
import type { Json, JsonObject } from '@locktender/kube'
import { statesMetrics, USUAL_UTILIZATION, withoutAnnotated } from './autoscaler-annotations.ts'
import { TEMPLATE_GENERATION } from './template-generation.ts'

type Fill = (value: JsonObject) => JsonObject

function records(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** Adds what is missing. */
function lacking(value: JsonObject, defaults: Readonly<Record<string, Json | undefined>>): JsonObject {
  let copy: JsonObject | undefined
  for (const [name, fallback] of Object.entries(defaults)) {
    if (fallback === undefined || Object.hasOwn(value, name)) continue
    copy ??= { ...value }
    copy[name] = fallback
  }
  return copy ?? value
}

/** Images that may change under their name are pulled each time. */
function pullPolicy(image: Json | undefined): string {
  const name = typeof image === 'string' ? image : ''
  const last = name.slice(name.lastIndexOf('/') + 1)
  const [reference = '', digest] = last.split('@')
  const tag = reference.split(':')[1] ?? (digest === undefined ? 'latest' : '')
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

const container: Fill = (value) => lacking(value, { imagePullPolicy: pullPolicy(value['image']) })

/** The old and the new name of one field. */
const podSpec: Fill = (value) => {
  const name = value['serviceAccountName'] ?? value['serviceAccount']
  if (name === undefined || (value['serviceAccount'] === name && value['serviceAccountName'] === name)) return value
  return { ...value, serviceAccountName: name, serviceAccount: name }
}

const VOLUME_NAME = new Set(['name'])

const volume: Fill = (value) =>
  Object.keys(value).every((key) => VOLUME_NAME.has(key)) ? { ...value, emptyDir: {} } : value

/** What holds for a pod, but not for the template of one. */
const pod: Fill = (value) => {
  if (!isObject(value['spec'])) return value
  const hostNetwork = value['spec']['hostNetwork'] === true
  const spec: JsonObject = { ...lacking(value['spec'], { enableServiceLinks: true }) }
  for (const list of ['containers', 'initContainers']) {
    const containers = spec[list]
    if (Array.isArray(containers)) {
      spec[list] = containers.map((item) => (isObject(item) ? podContainer(item, hostNetwork) : item))
    }
  }
  return { ...value, spec }
}

function podContainer(value: JsonObject, hostNetwork: boolean): JsonObject {
  let result = value
  const { resources, ports } = value
  if (isObject(resources) && isObject(resources['limits'])) {
    const requests = isObject(resources['requests']) ? resources['requests'] : {}
    result = { ...result, resources: { ...resources, requests: { ...resources['limits'], ...requests } } }
  }
  if (hostNetwork && Array.isArray(ports)) {
    result = {
      ...result,
      ports: ports.map((port) => (isObject(port) ? lacking(port, { hostPort: port['containerPort'] }) : port)),
    }
  }
  return result
}

/** A rolling update gets its numbers from the defaults of the message. */
const rolling: Fill = (value) =>
  value['type'] === 'RollingUpdate' || value['type'] === undefined ? lacking(value, { rollingUpdate: {} }) : value

const service: Fill = (given) => {
  const { sessionAffinityConfig: _config, ...unbound } = given
  const value = given['sessionAffinity'] === 'None' && 'sessionAffinityConfig' in given ? unbound : given
  const type = value['type']
  const balanced = type === 'NodePort' || type === 'LoadBalancer'
  return lacking(value, {
    ...(value['sessionAffinity'] === 'ClientIP'
      ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } }
      : {}),
    ...(balanced ? { externalTrafficPolicy: 'Cluster' } : {}),
    ...(balanced || type === 'ClusterIP' ? { internalTrafficPolicy: 'Cluster' } : {}),
    ...(type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}),
  })
}

const servicePort: Fill = (value) => {
  const target = value['targetPort']
  return target === undefined || target === 0 || target === '' ? { ...value, targetPort: value['port'] ?? 0 } : value
}

/** What holds for a job, but not for the template of one. */
const job: Fill = (value) => {
  const named = labelledByTemplate(value)
  const { spec } = value
  if (!isObject(spec)) return named
  const one = spec['completions'] === undefined && spec['parallelism'] === undefined
  return {
    ...named,
    spec: lacking(spec, {
      ...(one ? { completions: 1 } : {}),
      parallelism: 1,
      backoffLimit: spec['backoffLimitPerIndex'] === undefined ? 6 : 2_147_483_647,
      completionMode: 'NonIndexed',
      manualSelector: false,
      suspend: false,
      podReplacementPolicy: spec['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed',
    }),
  }
}

/** Clients of the first version of daemon sets read there how often the template changed; the server counts. */
const daemonSet: Fill = (value) => {
  const metadata = isObject(value['metadata']) ? value['metadata'] : {}
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {}
  const named = lacking(annotations, { [TEMPLATE_GENERATION]: '0' })
  return named === annotations ? value : { ...value, metadata: { ...metadata, annotations: named } }
}

/** Claims in a list of them say what they are. */
const statefulSet: Fill = (value) => {
  const templates = value['volumeClaimTemplates']
  if (!Array.isArray(templates)) return value
  const typed = templates.map((claim) =>
    isObject(claim) && claim['kind'] === undefined
      ? { kind: 'PersistentVolumeClaim', apiVersion: 'v1', ...claim }
      : claim,
  )
  return { ...value, volumeClaimTemplates: typed }
}

/** Templates label what they are for; the workload takes their labels when it has none itself. */
const labelledByTemplate: Fill = (value) => {
  const { metadata, spec } = value
  if (!isObject(metadata) || (isObject(metadata['labels']) && Object.keys(metadata['labels']).length > 0)) return value
  const template = isObject(spec) ? spec['template'] : undefined
  const labels = isObject(template) && isObject(template['metadata']) ? template['metadata']['labels'] : undefined
  return isObject(labels) ? { ...value, metadata: { ...metadata, labels } } : value
}

const replicationController: Fill = (value) => {
  const spec = isObject(value['spec']) ? value['spec'] : {}
  const template = isObject(spec['template']) ? spec['template'] : {}
  const labels = isObject(template['metadata']) ? template['metadata']['labels'] : undefined
  const named = labelledByTemplate(value)
  return isObject(labels) ? { ...named, spec: lacking(spec, { selector: labels }) } : named
}

const networkPolicy: Fill = (value) =>
  lacking(value, { policyTypes: records(value['egress']).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'] })

/** How an autoscaler scales that says something about it, but not all. */
const behavior: Fill = (value) => {
  const rules = (direction: string): JsonObject => (isObject(value[direction]) ? value[direction] : {})
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 }
  const pods = { type: 'Pods', value: 4, periodSeconds: 15 }
  return {
    ...value,
    scaleUp: lacking(rules('scaleUp'), {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [pods, percent],
    }),
    scaleDown: lacking(rules('scaleDown'), { selectPolicy: 'Max', policies: [percent] }),
  }
}

/** What the first version of autoscalers has no fields for is in its annotations. */
const autoscaler: Fill = (value) => {
  const { metadata, spec } = value
  if (!isObject(spec) || statesMetrics(metadata)) return value
  const filled = lacking(spec, { targetCPUUtilizationPercentage: USUAL_UTILIZATION })
  return filled === spec ? value : { ...value, spec: filled }
}

/** What holds for a volume, but not for one that an attachment describes. */
const persistentVolume: Fill = (value) => {
  if (!isObject(value['spec'])) return value
  const spec = lacking(value['spec'], { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' })
  return spec === value['spec'] ? value : { ...value, spec }
}

const subject: Fill = (value) => {
  if (value['apiGroup'] !== undefined && value['apiGroup'] !== '') return value
  return value['kind'] === 'User' || value['kind'] === 'Group'
    ? { ...value, apiGroup: 'rbac.authorization.k8s.io' }
    : value
}

/** Namespaces can be selected by their name. */
const namespace: Fill = (value) => {
  const { metadata } = value
  const name = isObject(metadata) ? metadata['name'] : undefined
  if (!isObject(metadata) || typeof name !== 'string' || name === '') return value
  const labels = isObject(metadata['labels']) ? metadata['labels'] : {}
  const own = 'kubernetes.io/metadata.name'
  return labels[own] === name ? value : { ...value, metadata: { ...metadata, labels: { ...labels, [own]: name } } }
}

const definition: Fill = (value) => {
  const { names } = value
  const filled = lacking(value, { conversion: { strategy: 'None' } })
  if (!isObject(names) || typeof names['kind'] !== 'string') return filled
  const { kind } = names
  const stated = Object.fromEntries(Object.entries(names).filter(([, name]) => name !== ''))
  const named = { singular: kind.toLowerCase(), ...(kind === '' ? {} : { listKind: `${kind}List` }) }
  return { ...filled, names: lacking({ ...stated, kind }, named) }
}

/** Plain text is written only; secrets keep it encoded. */
const secret: Fill = ({ stringData, ...rest }) => {
  const typed = lacking(rest, { type: 'Opaque' })
  if (!isObject(stringData)) return typed
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(typeof text === 'string' ? text : '').toString('base64'),
  ])
  const data = isObject(rest['data']) ? rest['data'] : {}
  return { ...typed, data: { ...data, ...(Object.fromEntries(encoded) as JsonObject) } }
}

/** Containers are limited to what they may have at most, and ask for what limits them. */
const limitRangeItem: Fill = (value) => {
  if (value['type'] !== 'Container') return value
  const amounts = (field: string): JsonObject => (isObject(value[field]) ? value[field] : {})
  const limits = { ...amounts('max'), ...amounts('default') }
  const requests = { ...amounts('min'), ...limits, ...amounts('defaultRequest') }
  return {
    ...value,
    ...(Object.keys(limits).length === 0 ? {} : { default: limits }),
    ...(Object.keys(requests).length === 0 ? {} : { defaultRequest: requests }),
  }
}

/** What fields of messages have that nobody states, where that depends on others. */
export const functionDefaults: Readonly<Record<string, Fill>> = {
  'core/v1.Container': container,
  'core/v1.EphemeralContainer': container,
  'core/v1.PodSpec': podSpec,
  'core/v1.Pod': pod,
  'core/v1.LimitRangeItem': limitRangeItem,
  'core/v1.PersistentVolume': persistentVolume,
  'core/v1.Namespace': namespace,
  'core/v1.Secret': secret,
  'core/v1.Volume': volume,
  'core/v1.ServiceSpec': service,
  'core/v1.ServicePort': servicePort,
  'core/v1.ReplicationController': replicationController,
  'apps/v1.DeploymentStrategy': rolling,
  'apps/v1.StatefulSetUpdateStrategy': rolling,
  'apps/v1.DaemonSetUpdateStrategy': rolling,
  'apps/v1.DaemonSet': daemonSet,
  'apps/v1.StatefulSetSpec': statefulSet,
  'batch/v1.Job': job,
  'autoscaling/v1.HorizontalPodAutoscaler': autoscaler,
  'autoscaling/v2.HorizontalPodAutoscaler': withoutAnnotated,
  'autoscaling/v2.HorizontalPodAutoscalerBehavior': behavior,
  'networking/v1.NetworkPolicySpec': networkPolicy,
  'rbac/v1.Subject': subject,
  'apiextensions/v1.CustomResourceDefinitionSpec': definition,
}
