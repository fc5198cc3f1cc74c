import { USUAL_UTILIZATION } from './autoscaler-annotations.ts'
import type { Json } from '@locktender/kube'

/** Mode of files in volumes: 0644. */
const FILE_MODE = 420

const CONTAINER = { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' }
const WEBHOOK = {
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  timeoutSeconds: 10,
}

/** What fields of messages have that nobody states, where that depends on nothing else. */
export const constantDefaults: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'core/v1.PodSpec': {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  },
  'core/v1.Container': CONTAINER,
  'core/v1.EphemeralContainer': CONTAINER,
  'core/v1.Probe': { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
  'core/v1.HTTPGetAction': { path: '/', scheme: 'HTTP' },
  'core/v1.EndpointPort': { protocol: 'TCP' },
  'core/v1.SecretVolumeSource': { defaultMode: FILE_MODE },
  'core/v1.ConfigMapVolumeSource': { defaultMode: FILE_MODE },
  'core/v1.DownwardAPIVolumeSource': { defaultMode: FILE_MODE },
  'core/v1.ProjectedVolumeSource': { defaultMode: FILE_MODE },
  'core/v1.ServiceAccountTokenProjection': { expirationSeconds: 3600 },
  'core/v1.ObjectFieldSelector': { apiVersion: 'v1' },
  'core/v1.HostPathVolumeSource': { type: '' },
  'core/v1.AzureDiskVolumeSource': { cachingMode: 'ReadWrite', kind: 'Shared' },
  'core/v1.ServiceSpec': { sessionAffinity: 'None', type: 'ClusterIP' },
  'core/v1.ReplicationControllerSpec': { replicas: 1 },
  'core/v1.PersistentVolumeClaimSpec': { volumeMode: 'Filesystem' },
  'core/v1.PersistentVolumeStatus': { phase: 'Pending' },
  'core/v1.PersistentVolumeClaimStatus': { phase: 'Pending' },
  'apps/v1.DeploymentSpec': { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 },
  'apps/v1.DeploymentStrategy': { type: 'RollingUpdate' },
  'apps/v1.ReplicaSetSpec': { replicas: 1 },
  'apps/v1.StatefulSetSpec': {
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: 'OrderedReady',
    persistentVolumeClaimRetentionPolicy: {},
  },
  'apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Retain' },
  'apps/v1.StatefulSetUpdateStrategy': { type: 'RollingUpdate' },
  'apps/v1.RollingUpdateStatefulSetStrategy': { partition: 0, maxUnavailable: 1 },
  'apps/v1.DaemonSetSpec': { revisionHistoryLimit: 10 },
  'apps/v1.DaemonSetUpdateStrategy': { type: 'RollingUpdate' },
  'apps/v1.RollingUpdateDaemonSet': { maxUnavailable: 1, maxSurge: 0 },
  'apps/v1.RollingUpdateDeployment': { maxUnavailable: '25%', maxSurge: '25%' },
  'batch/v1.PodFailurePolicyOnPodConditionsPattern': { status: 'True' },
  'batch/v1.CronJobSpec': {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  },
  'autoscaling/v1.HorizontalPodAutoscalerSpec': { minReplicas: 1 },
  'autoscaling/v2.HorizontalPodAutoscalerSpec': {
    minReplicas: 1,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: USUAL_UTILIZATION } },
      },
    ],
  },
  'discovery/v1.EndpointPort': { name: '', protocol: 'TCP' },
  'networking/v1.NetworkPolicyPort': { protocol: 'TCP' },
  'networking/v1.IngressClassParametersReference': { scope: 'Cluster' },
  'scheduling/v1.PriorityClass': { preemptionPolicy: 'PreemptLowerPriority' },
  'storage/v1.StorageClass': { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
  'storage/v1.CSIDriverSpec': {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  },
  'rbac/v1.RoleRef': { apiGroup: 'rbac.authorization.k8s.io' },
  'admissionregistration/v1.ValidatingWebhook': WEBHOOK,
  'admissionregistration/v1.MutatingWebhook': { ...WEBHOOK, reinvocationPolicy: 'Never' },
  'admissionregistration/v1.Rule': { scope: '*' },
  'admissionregistration/v1.RuleWithOperations': { scope: '*' },
  'admissionregistration/v1.NamedRuleWithOperations': { scope: '*' },
  'admissionregistration/v1.ServiceReference': { port: 443 },
  'admissionregistration/v1.ValidatingAdmissionPolicySpec': { failurePolicy: 'Fail' },
  'admissionregistration/v1.MatchResources': { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} },
  'apiextensions/v1.ServiceReference': { port: 443 },
  'authentication/v1.TokenRequestSpec': { expirationSeconds: 3600 },
}
