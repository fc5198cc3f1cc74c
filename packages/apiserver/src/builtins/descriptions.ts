import { metadataDescriptions } from '../discovery/openapi-metadata.ts'

/** What a message is, and what its fields mean. */
export interface Described {
  readonly description: string
  readonly fields: Readonly<Record<string, string>>
}

/** Messages with what they are, and below each the fields of which there is something to say. */
const TEXT = `
core/v1.Namespace: A part of a cluster with names of its own.
  spec: What holds the namespace when it is deleted.
  status: How far its life has got.
core/v1.ConfigMap: Settings, by key, that are no secret.
  data: Texts by key.
  binaryData: Bytes by key, in base64.
  immutable: Whether the contents can no longer change.
core/v1.Secret: Passwords, keys and the like, by key.
  data: Bytes by key, in base64.
  stringData: Texts by key; the server moves them into data. Never shown.
  type: What the secret is for, and so which keys it must have.
  immutable: Whether the contents can no longer change.
core/v1.ServiceAccount: Who a program in the cluster is.
  secrets: Secrets its pods may use.
  imagePullSecrets: Secrets with which images of its pods are fetched.
  automountServiceAccountToken: Whether pods get a token of the account.
core/v1.Pod: Containers that run together on one node.
  spec: What is to run.
  status: What runs, as last observed.
core/v1.PodSpec: What runs in a pod, and where.
  containers: Containers of the pod; at least one.
  initContainers: Containers that run to their end, one after the other, before the others start.
  ephemeralContainers: Containers added to a running pod to look into it.
  volumes: Files that containers of the pod can mount.
  restartPolicy: When containers that ended are started again: Always, OnFailure or Never.
  terminationGracePeriodSeconds: Seconds containers have to end before they are killed.
  activeDeadlineSeconds: Seconds after which the pod is ended as failed.
  nodeName: Node the pod is on; empty until it is scheduled.
  nodeSelector: Labels a node must have to run the pod.
  affinity: Which nodes and neighbours the pod wants.
  tolerations: Taints of nodes the pod bears.
  topologySpreadConstraints: How evenly pods are spread over parts of the cluster.
  serviceAccountName: Account the pod acts as.
  securityContext: What all containers of the pod may do.
  imagePullSecrets: Secrets with which images are fetched.
  hostname: Name of the pod as it sees itself.
  hostNetwork: Whether the pod uses the network of its node.
  dnsPolicy: Which name servers the pod asks.
  schedulerName: Who chooses the node.
  schedulingGates: Names that must be gone before a node is chosen.
  priorityClassName: Class that says how important the pod is.
  priority: How important the pod is; comes from its class.
  runtimeClassName: Class that says what runs the containers.
core/v1.PodTemplateSpec: What pods are made from.
  spec: What the pods run.
core/v1.Container: A program that runs in a pod.
  name: Name of the container, unique in the pod. It cannot be changed.
  image: Image the container is made from.
  command: Program to run, instead of that of the image.
  args: Arguments of the program.
  workingDir: Folder the program starts in.
  ports: Ports the container listens at; to say so is all they do.
  env: Variables of the environment.
  envFrom: Config maps and secrets that become variables of the environment.
  resources: What the container needs, and may use at most.
  volumeMounts: Which volumes it sees, and where.
  livenessProbe: How to find out that the container must be started again.
  readinessProbe: How to find out that it can be used.
  startupProbe: How to find out that it has started; other probes wait for that.
  lifecycle: What to do after the start and before the end.
  imagePullPolicy: When the image is fetched: Always, IfNotPresent or Never.
  securityContext: What the container may do.
core/v1.Service: A name and address for whatever pods do a job.
  spec: Which pods, and how to reach them.
  status: What a load balancer has made of it.
core/v1.ServiceSpec: Which pods do the job of a service, and how to reach them.
  selector: Labels of the pods.
  ports: Ports of the service, and where they lead.
  type: From where it can be reached: ClusterIP, NodePort, LoadBalancer or ExternalName.
  clusterIP: Address within the cluster; None for no address of its own.
  externalName: Name that stands for the service, of type ExternalName.
  sessionAffinity: Whether a client is always led to the same pod.
core/v1.Event: Something that happened to an object.
  involvedObject: What it happened to.
  reason: Why, in one word for programs.
  message: What happened, for people.
  type: Normal or Warning.
  count: How often it happened.
  firstTimestamp: When it happened first.
  lastTimestamp: When it happened last.
  source: Who says so.
apps/v1.Deployment: Pods of one kind that are kept running and are replaced step by step.
  spec: How many pods, made from what, replaced in which way.
  status: How far the replacement has got.
apps/v1.DeploymentSpec: What a deployment wants.
  replicas: How many pods; 1 when nothing is said.
  selector: Which pods belong to it. It cannot be changed.
  template: What the pods are made from.
  strategy: How old pods are replaced by new ones.
  minReadySeconds: Seconds a pod must be ready before it counts as available.
  revisionHistoryLimit: How many old replica sets are kept to go back to.
  paused: Whether changes wait.
  progressDeadlineSeconds: Seconds without progress after which the deployment counts as stuck.
rbac/v1.Role: Rights within a namespace.
  rules: What is allowed.
rbac/v1.ClusterRole: Rights in the whole cluster, or in any namespace they are bound in.
  rules: What is allowed.
  aggregationRule: Which other roles the rules are gathered from.
rbac/v1.RoleBinding: Gives the rights of a role to subjects, within a namespace.
  subjects: Who gets the rights.
  roleRef: Which role. It cannot be changed.
rbac/v1.ClusterRoleBinding: Gives the rights of a role to subjects, in the whole cluster.
  subjects: Who gets the rights.
  roleRef: Which role. It cannot be changed.
rbac/v1.PolicyRule: Some things that are allowed.
  verbs: What may be done; * is everything.
  apiGroups: Groups of the resources; empty is the core group.
  resources: With which resources; * is all.
  resourceNames: With which objects; without names with all.
  nonResourceURLs: Paths, of what is no resource.
rbac/v1.Subject: Who gets rights.
  kind: User, Group or ServiceAccount.
  name: Name of the subject.
  namespace: Namespace of a service account.
coordination/v1.Lease: Who has something for some time, such as the lead among several programs.
  spec: Who has it, and until when.
coordination/v1.LeaseSpec: Who has a lease, and until when.
  holderIdentity: Who has it.
  leaseDurationSeconds: Seconds after the last renewal at which others may take it.
  acquireTime: When the holder got it.
  renewTime: When the holder renewed it last.
  leaseTransitions: How often it went from one to another.
apiextensions/v1.CustomResourceDefinition: A kind of objects that is added to the API.
  spec: What objects of the kind look like, and how they are called.
  status: Whether the kind is served, and under which names.
apiextensions/v1.CustomResourceDefinitionSpec: What objects of a defined kind look like.
  group: Group of the kind.
  names: Names of the kind and its resource.
  scope: Whether objects are in a namespace: Namespaced or Cluster.
  versions: Versions of the kind; one of them is stored.
  conversion: How objects are turned from one version into another.
`

let descriptions: ReadonlyMap<string, Described> | undefined

/** What is said of a message in OpenAPI documents, which are the only ones that ask; undefined when that is nothing. */
export function describedMessage(name: string): Described | undefined {
  descriptions ??= new Map([...Object.entries(metadataDescriptions), ...parse()])
  return descriptions.get(name)
}

function* parse(): Generator<[string, Described]> {
  for (const block of TEXT.trim().split(/\n(?! )/)) {
    const [head = '', ...lines] = block.split('\n')
    const [name, description] = parts(head)
    yield [name, { description, fields: Object.fromEntries(lines.map((line) => parts(line.trim()))) }]
  }
}

function parts(line: string): [name: string, text: string] {
  const colon = line.indexOf(': ')
  return [line.slice(0, colon), line.slice(colon + 2)]
}
