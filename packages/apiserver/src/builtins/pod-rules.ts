import { deepEqual, fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotFound, fieldRequired } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { checkLabels } from '../objects/selector-checks.ts'
import { address } from './address-rules.ts'
import { recordsAt, text } from './cells.ts'
import { checkContainer, checkHostPorts, checkLife, checkName, checkRestart } from './container-rules.ts'
import type { PodParts } from './container-rules.ts'
import { labelProblems, subdomainProblems } from '../objects/dns-names.ts'
import { oneOf, optionalName, qualified, refuse, requiredName, within } from './rules.ts'
import type { Errors } from './rules.ts'
import { affinity, schedulingGates, tolerations, topologySpread } from './scheduling-rules.ts'
import { podSecurity, windowsOnly } from './security-rules.ts'
import { podVolumes } from './volume-rules.ts'

type Spec = Readonly<Record<string, unknown>>

const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']

/** The longest time, in seconds, a pod can be told to run. */
const LAST_SECOND = 2_147_483_647

/** What the specification of a pod must say, at `path`. */
export function podSpecErrors(given: unknown, path: string): FieldError[] {
  const errors: Errors = []
  const spec: Spec = isRecord(given) ? given : {}
  const grace = spec['terminationGracePeriodSeconds']
  const pod: PodParts = {
    volumes: podVolumes(spec, path, errors),
    names: new Set(),
    hostPorts: new Set(),
    claims: new Set(recordsAt(spec, 'resourceClaims').map(({ name }) => name)),
    hostNetwork: spec['hostNetwork'] === true,
    graceSeconds: typeof grace === 'number' ? grace : 0,
  }
  checkClaims(spec, `${path}.resourceClaims`, errors)
  checkContainers(spec, path, pod, errors)
  oneOf(spec['restartPolicy'], RESTART_POLICIES, `${path}.restartPolicy`, errors)
  oneOf(spec['dnsPolicy'], DNS_POLICIES, `${path}.dnsPolicy`, errors)
  checkLabels(spec['nodeSelector'], `${path}.nodeSelector`, errors)
  checkHost(spec, path, errors)
  podSecurity(spec['securityContext'], `${path}.securityContext`, errors)
  for (const [index, secret] of recordsAt(spec, 'imagePullSecrets').entries()) {
    if (Object.keys(secret).length === 0 || (secret['name'] ?? '') !== '') continue
    errors.push(fieldRequired(`${path}.imagePullSecrets[${index}].name`))
  }
  affinity(spec['affinity'], `${path}.affinity`, errors)
  checkDns(spec, `${path}.dnsConfig`, errors)
  for (const [index, gate] of recordsAt(spec, 'readinessGates').entries()) {
    qualified(text('conditionType')(gate), `${path}.readinessGates[${index}].conditionType`, errors)
  }
  topologySpread(spec, `${path}.topologySpreadConstraints`, errors)
  schedulingGates(spec, `${path}.schedulingGates`, errors)
  optionalName(spec['serviceAccountName'], subdomainProblems, `${path}.serviceAccountName`, errors)
  optionalName(spec['nodeName'], subdomainProblems, `${path}.nodeName`, errors)
  const deadline = spec['activeDeadlineSeconds']
  if (deadline !== undefined) within(deadline, 1, LAST_SECOND, `${path}.activeDeadlineSeconds`, errors)
  optionalName(spec['hostname'], labelProblems, `${path}.hostname`, errors)
  optionalName(spec['subdomain'], labelProblems, `${path}.subdomain`, errors)
  tolerations(recordsAt(spec, 'tolerations'), `${path}.tolerations`, errors)
  for (const [index, alias] of recordsAt(spec, 'hostAliases').entries()) {
    const place = `${path}.hostAliases[${index}]`
    address(text('ip')(alias), `${place}.ip`, errors)
    for (const [at, name] of ((alias['hostnames'] ?? []) as string[]).entries()) {
      refuse(subdomainProblems(name), name, `${place}.hostnames[${at}]`, errors)
    }
  }
  optionalName(spec['priorityClassName'], subdomainProblems, `${path}.priorityClassName`, errors)
  optionalName(spec['runtimeClassName'], subdomainProblems, `${path}.runtimeClassName`, errors)
  oneOf(spec['preemptionPolicy'], ['PreemptLowerPriority', 'Never'], `${path}.preemptionPolicy`, errors)
  if (isRecord(spec['os'])) {
    const { name } = spec['os']
    if (name === undefined || name === '') errors.push(fieldRequired(`${path}.os.name`))
    else if (name === 'windows') windowsOnly(spec, path, errors)
    else oneOf(name, ['linux', 'windows'], `${path}.os`, errors)
  }
  return errors
}

function checkContainers(spec: Spec, path: string, pod: PodParts, errors: Errors): void {
  const containers = recordsAt(spec, 'containers')
  if (containers.length === 0) errors.push(fieldRequired(`${path}.containers`))
  for (const [index, container] of containers.entries()) {
    const place = `${path}.containers[${index}]`
    checkContainer(container, place, pod, errors)
    checkName(container, place, pod.names, errors)
    checkRestart(container, place, errors)
    checkLife(container, place, pod, true, errors)
    checkHostPorts(container, place, pod, errors)
  }
  for (const [index, container] of recordsAt(spec, 'initContainers').entries()) {
    const place = `${path}.initContainers[${index}]`
    checkContainer(container, place, pod, errors)
    checkRestart(container, place, errors)
    checkName(container, place, pod.names, errors)
    checkLife(container, place, pod, container['restartPolicy'] === 'Always', errors)
  }
  const targets = new Set<unknown>(pod.names)
  for (const [index, container] of recordsAt(spec, 'ephemeralContainers').entries()) {
    const place = `${path}.ephemeralContainers[${index}]`
    checkContainer(container, place, pod, errors)
    checkName(container, place, pod.names, errors)
    const target = text('targetContainerName')(container)
    if (target !== '' && !targets.has(target)) errors.push(fieldNotFound(`${place}.targetContainerName`, target))
    for (const field of NOT_EPHEMERAL) {
      if (!isStated(container[field])) continue
      errors.push(fieldForbidden(`${place}.${field}`, 'cannot be set for an Ephemeral Container'))
    }
  }
}

/** Whether a field says anything. */
function isStated(value: unknown): boolean {
  return value !== undefined && !(isRecord(value) && Object.keys(value).length === 0)
}

/** What a container that is added to a running pod cannot have. */
const NOT_EPHEMERAL = [
  'ports',
  'resources',
  'resizePolicy',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
]

function checkClaims(spec: Spec, path: string, errors: Errors): void {
  const names = new Set<string>()
  for (const [index, claim] of recordsAt(spec, 'resourceClaims').entries()) {
    const place = `${path}[${index}]`
    const { resourceClaimName: own, resourceClaimTemplateName: template } = claim
    const name = text('name')(claim)
    if (names.has(name)) errors.push(fieldDuplicate(`${place}.name`, name))
    else requiredName(name, labelProblems, `${place}.name`, errors)
    names.add(name)
    const shown = { Name: name, ResourceClaimName: own ?? null, ResourceClaimTemplateName: template ?? null } as Json
    if (own === undefined && template === undefined) {
      const why = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'
      errors.push(fieldInvalid(place, shown, why))
    } else if (own !== undefined && template !== undefined) {
      const why = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'
      errors.push(fieldInvalid(place, shown, why))
    }
  }
}

/** What a pod shares with its node. */
function checkHost(spec: Spec, path: string, errors: Errors): void {
  if (spec['shareProcessNamespace'] === true && spec['hostPID'] === true) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled'
    errors.push(fieldInvalid(`${path}.securityContext.shareProcessNamespace`, true, why))
  }
  if (spec['hostUsers'] !== false) return
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) {
    if (spec[field] === true) errors.push(fieldForbidden(`${path}.${field}`, 'when `hostUsers` is false'))
  }
}

/** Most servers, domains and characters of them that all libraries understand. */
const MOST_SERVERS = 3
const MOST_DOMAINS = 32

function checkDns(spec: Spec, path: string, errors: Errors): void {
  const config = spec['dnsConfig']
  const none = spec['dnsPolicy'] === 'None'
  if (!isRecord(config)) {
    if (none) errors.push(fieldRequired(path, 'must provide `dnsConfig` when `dnsPolicy` is None'))
    return
  }
  const servers = (config['nameservers'] ?? []) as string[]
  if (none && servers.length === 0) {
    errors.push(
      fieldRequired(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'),
    )
  }
  if (servers.length > MOST_SERVERS) {
    errors.push(fieldInvalid(`${path}.nameservers`, servers, `must not have more than ${MOST_SERVERS} nameservers`))
  }
  for (const [index, server] of servers.entries()) address(server, `${path}.nameservers[${index}]`, errors)
  const domains = (config['searches'] ?? []) as string[]
  if (domains.length > MOST_DOMAINS) {
    errors.push(fieldInvalid(`${path}.searches`, domains, `must not have more than ${MOST_DOMAINS} search paths`))
  }
  for (const [index, domain] of domains.entries()) {
    const name = domain.replace(/\.$/, '')
    if (name !== '' && !SEARCH.test(name)) errors.push(fieldInvalid(`${path}.searches[${index}]`, domain, SEARCH_RULE))
  }
  for (const [index, option] of recordsAt(config, 'options').entries()) {
    if (text('name')(option) === '') errors.push(fieldRequired(`${path}.options[${index}]`, 'must not be empty'))
  }
}

const SEARCH_PART = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const SEARCH = new RegExp(`^${SEARCH_PART}(\\.${SEARCH_PART})*$`)
const SEARCH_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and " +
  `end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SEARCH_PART}(\\.${SEARCH_PART})*')`

/** Labels, annotations and specification of a template of pods at `path`. */
export function templateErrors(template: unknown, path: string): FieldError[] {
  const errors: Errors = []
  const metadata = isRecord(template) && isRecord(template['metadata']) ? template['metadata'] : {}
  checkLabels(metadata['labels'], `${path}.labels`, errors)
  for (const key of Object.keys(isRecord(metadata['annotations']) ? metadata['annotations'] : {})) {
    qualified(key.toLowerCase(), `${path}.annotations`, errors)
  }
  const spec = isRecord(template) ? template['spec'] : undefined
  if (recordsAt(spec, 'ephemeralContainers').length > 0) {
    const why = 'ephemeral containers not allowed in pod template'
    errors.push(fieldForbidden(`${path}.spec.ephemeralContainers`, why))
  }
  return [...errors, ...podSpecErrors(spec, `${path}.spec`)]
}

const CHANGES =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** A pod stays what it was, but for a few fields. */
export function podChangeErrors(given: unknown, before: unknown): FieldError[] {
  const errors: Errors = []
  const spec: Spec = isRecord(given) ? given : {}
  const live: Spec = isRecord(before) ? before : {}
  for (const list of ['containers', 'initContainers']) {
    if (recordsAt(spec, list).length !== recordsAt(live, list).length) {
      return [fieldForbidden(`spec.${list}`, 'pod updates may not add or remove containers')]
    }
  }
  const [deadline, old] = [spec['activeDeadlineSeconds'], live['activeDeadlineSeconds']]
  if (old !== undefined && deadline !== old) {
    const place = 'spec.activeDeadlineSeconds'
    if (deadline === undefined)
      errors.push(fieldInvalid(place, null, 'must not update from a positive integer to nil value'))
    else if ((deadline as number) > (old as number)) {
      errors.push(fieldInvalid(place, deadline as number, 'must be less than or equal to previous value'))
    }
  }
  const gates = new Set(recordsAt(live, 'schedulingGates').map(({ name }) => name))
  for (const [index, { name }] of recordsAt(spec, 'schedulingGates').entries()) {
    if (gates.has(name)) continue
    const why = `only deletion is allowed, but found new scheduling gate '${String(name)}'`
    errors.push(fieldForbidden(`spec.schedulingGates[${index}].name`, why))
  }
  const kept = recordsAt(spec, 'tolerations')
  for (const toleration of recordsAt(live, 'tolerations')) {
    const { tolerationSeconds: _old, ...same } = toleration
    const still = kept.some(({ tolerationSeconds: _new, ...one }) => deepEqual(one, same))
    if (still) continue
    errors.push(
      fieldForbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'),
    )
    break
  }
  if (!deepEqual(frozen(spec), frozen(live))) errors.push(fieldForbidden('spec', CHANGES))
  return errors
}

function frozen(spec: Spec): unknown {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, schedulingGates: _gates, ...rest } = spec
  const fixed: Record<string, unknown> = { ...rest }
  for (const list of ['containers', 'initContainers']) {
    if (Array.isArray(fixed[list])) fixed[list] = recordsAt(fixed, list).map(({ image: _image, ...other }) => other)
  }
  const grace = fixed['terminationGracePeriodSeconds']
  if (typeof grace === 'number' && grace < 0) fixed['terminationGracePeriodSeconds'] = 1
  return fixed
}
