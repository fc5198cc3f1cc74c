import {
  deepEqual,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { checkLabels } from '../objects/selector-checks.ts'
import { address, contains, isAddress, parseRange, range, reachable } from './address-rules.ts'
import { at, recordsAt, text } from './cells.ts'
import { labelProblems, subdomainProblems } from '../objects/dns-names.ts'
import { oneOf, portNumber, portNumberOrName, qualified, refuse, required, requiredName } from './rules.ts'
import type { Errors } from './rules.ts'

type Spec = Readonly<Record<string, unknown>>

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const AFFINITIES = ['ClientIP', 'None']
const FAMILIES = ['IPv4', 'IPv6']
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode']

/** Where services get their addresses from. */
const ADDRESSES = '10.96.0.0/16'

/** Seconds in a day: the longest time clients can be sent to the same pod. */
const LONGEST_AFFINITY = 86_400

/** What is wrong with the specification of a service, which was `live` before. */
export function serviceErrors(spec: Spec, live: Spec | undefined): FieldError[] {
  const errors: Errors = []
  const headless = spec['clusterIP'] === 'None'
  const ports = recordsAt(spec, 'ports')
  const { type } = spec
  if (ports.length === 0 && !headless && type !== 'ExternalName') errors.push(fieldRequired('spec.ports'))
  if (headless && (type === 'NodePort' || type === 'LoadBalancer')) {
    const why = `may not be set to 'None' for ${type} services`
    errors.push(fieldInvalid('spec.clusterIPs[0]', 'None', why))
  }
  if (type === 'ExternalName') checkExternalName(spec, errors)
  const names = new Set<unknown>()
  for (const [index, port] of ports.entries()) {
    checkPort(port, ports.length > 1, `spec.ports[${index}]`, names, errors)
  }
  checkLabels(spec['selector'], 'spec.selector', errors)
  checkAffinity(spec, errors)
  checkAddresses(spec, live, errors)
  for (const [index, ip] of ((spec['externalIPs'] ?? []) as string[]).entries()) {
    const place = `spec.externalIPs[${index}]`
    if (isAddress(ip)) reachable(ip, place, errors)
    else address(ip, place, errors)
  }
  oneOf(type, TYPES, 'spec.type', errors)
  checkPlaces(ports, type, errors)
  checkBalancer(spec, errors)
  checkTraffic(spec, errors)
  return errors
}

function checkExternalName(spec: Spec, errors: Errors): void {
  if (Array.isArray(spec['clusterIPs']) || (spec['clusterIP'] ?? '') !== '') {
    errors.push(fieldForbidden('spec.clusterIPs', 'may not be set for ExternalName services'))
  }
  const name = spec['externalName']
  if (required(name, 'spec.externalName', errors)) {
    const host = name.replace(/\.$/, '')
    refuse(subdomainProblems(host), host, 'spec.externalName', errors)
  }
}

function checkPort(port: Spec, several: boolean, path: string, names: Set<unknown>, errors: Errors): void {
  const { name = '', targetPort, appProtocol } = port
  if (name === '') {
    if (several) errors.push(fieldRequired(`${path}.name`))
  } else {
    requiredName(name, labelProblems, `${path}.name`, errors)
    if (names.has(name)) errors.push(fieldDuplicate(`${path}.name`, name as string))
    names.add(name)
  }
  portNumber(port['port'], `${path}.port`, errors)
  oneOf(port['protocol'], PROTOCOLS, `${path}.protocol`, errors)
  portNumberOrName(targetPort, `${path}.targetPort`, errors)
  if (typeof appProtocol === 'string') qualified(appProtocol, `${path}.appProtocol`, errors)
}

function checkAffinity(spec: Spec, errors: Errors): void {
  const { sessionAffinity } = spec
  oneOf(sessionAffinity, AFFINITIES, 'spec.sessionAffinity', errors)
  if (sessionAffinity !== 'ClientIP') return
  const seconds = at(spec, 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds')
  const place = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds'
  if (seconds === undefined) errors.push(fieldRequired(place))
  else if ((seconds as number) <= 0 || (seconds as number) > LONGEST_AFFINITY) {
    const why = `must be greater than 0 and less than ${LONGEST_AFFINITY}`
    errors.push(fieldInvalid(place, seconds as number, why))
  }
}

/** An address is given once, for as long as the service is of a type that has one. */
function checkAddresses(spec: Spec, live: Spec | undefined, errors: Errors): void {
  const list = Array.isArray(spec['clusterIPs']) ? (spec['clusterIPs'] as string[]) : []
  const first = text('clusterIP')(spec)
  if (spec['type'] === 'ExternalName') return
  const policy = spec['ipFamilyPolicy']
  oneOf(policy, FAMILY_POLICIES, 'spec.ipFamilyPolicy', errors)
  const open = first === 'None' && Object.keys(isRecord(spec['selector']) ? spec['selector'] : {}).length === 0
  if (policy === 'RequireDualStack' && !open) {
    const why = 'this cluster is not configured for dual-stack services'
    errors.push(fieldInvalid('spec.ipFamilyPolicy', policy, why))
  }
  for (const [index, family] of ((spec['ipFamilies'] ?? []) as string[]).entries()) {
    const place = `spec.ipFamilies[${index}]`
    if (!FAMILIES.includes(family)) errors.push(fieldNotSupported(place, family, FAMILIES))
    else if (family === 'IPv6' && !open) errors.push(fieldInvalid(place, family, 'not configured on this cluster'))
  }
  if (first !== '' && list.length > 0 && list[0] !== first) {
    errors.push(fieldInvalid('spec.clusterIPs', list, 'first value must match `clusterIP`'))
  }
  for (const [index, ip] of list.entries()) {
    if (ip !== 'None' && ip !== '') address(ip, `spec.clusterIPs[${index}]`, errors)
  }
  const before = live === undefined || live['type'] === 'ExternalName' ? '' : text('clusterIP')(live)
  if (before !== '' && !deepEqual(first, before)) {
    errors.push(fieldInvalid('spec.clusterIPs[0]', list, 'may not change once set'))
  }
  if (errors.length === 0 && live === undefined && first !== 'None') {
    const own = parseRange(`${first}/32`)
    if (own === undefined || contains(parseRange(ADDRESSES)!, own)) return
    const why = `the provided IP (${first}) is not in the valid range. The range of valid IPs is ${ADDRESSES}`
    errors.push(fieldInvalid('spec.clusterIPs', list, `failed to allocate IP ${first}: ${why}`))
  }
}

/** Two ports of a service cannot be at the same place. */
function checkPlaces(ports: readonly Spec[], type: unknown, errors: Errors): void {
  if (type === 'ClusterIP') {
    for (const [index, { nodePort = 0 }] of ports.entries()) {
      if (nodePort === 0) continue
      const why = "may not be used when `type` is 'ClusterIP'"
      errors.push(fieldForbidden(`spec.ports[${index}].nodePort`, why))
    }
  }
  const onNodes = new Set<string>()
  for (const [index, { protocol, nodePort = 0 }] of ports.entries()) {
    if (nodePort === 0) continue
    const key = `${String(protocol)}/${String(nodePort)}`
    if (onNodes.has(key)) {
      const why = 'provided port is already allocated'
      errors.push(fieldInvalid(`spec.ports[${index}].nodePort`, nodePort as number, why))
    }
    onNodes.add(key)
  }
  const inside = new Set<string>()
  for (const [index, { protocol, port }] of ports.entries()) {
    const key = `${String(protocol)}/${String(port)}`
    if (inside.has(key)) {
      const shown = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }
      errors.push(fieldDuplicate(`spec.ports[${index}]`, shown as Json))
    }
    inside.add(key)
  }
}

function checkBalancer(spec: Spec, errors: Errors): void {
  const balanced = spec['type'] === 'LoadBalancer'
  const ranges = (spec['loadBalancerSourceRanges'] ?? []) as string[]
  const only = "may only be used when `type` is 'LoadBalancer'"
  const place = 'spec.LoadBalancerSourceRanges'
  if (ranges.length > 0 && !balanced) errors.push(fieldForbidden(place, only))
  for (const [index, one] of ranges.entries()) range(one.trim(), `${place}[${index}]`, errors)
  const allocates = spec['allocateLoadBalancerNodePorts']
  if (balanced && allocates === undefined) errors.push(fieldRequired('spec.allocateLoadBalancerNodePorts'))
  if (!balanced && allocates !== undefined) errors.push(fieldForbidden('spec.allocateLoadBalancerNodePorts', only))
  if (spec['loadBalancerClass'] === undefined) return
  if (!balanced) errors.push(fieldForbidden('spec.loadBalancerClass', only))
  else qualified(text('loadBalancerClass')(spec), 'spec.loadBalancerClass', errors)
}

function checkTraffic(spec: Spec, errors: Errors): void {
  const {
    type,
    externalTrafficPolicy: external,
    internalTrafficPolicy: internal,
    healthCheckNodePort: health = 0,
  } = spec
  const outside = type === 'NodePort' || type === 'LoadBalancer'
  const place = 'spec.externalTrafficPolicy'
  if (external !== undefined && external !== '') {
    if (!outside && !(type === 'ClusterIP' && Array.isArray(spec['externalIPs']))) {
      errors.push(fieldInvalid(place, external as string, 'may only be set for externally-accessible services'))
    } else oneOf(external, ['Cluster', 'Local'], place, errors)
  } else if (outside) errors.push(fieldRequired(place))
  if (health !== 0 && !(type === 'LoadBalancer' && external === 'Local')) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    errors.push(fieldInvalid('spec.healthCheckNodePort', health as number, why))
  }
  if (internal === undefined && (outside || type === 'ClusterIP'))
    errors.push(fieldRequired('spec.internalTrafficPolicy'))
  oneOf(internal, ['Cluster', 'Local'], 'spec.internalTrafficPolicy', errors)
  oneOf(spec['trafficDistribution'], DISTRIBUTIONS, 'spec.trafficDistribution', errors)
}

/** What a load balancer, or an ingress, can be reached by. */
export function ingressErrors(object: AnyObject): FieldError[] {
  const errors: Errors = []
  for (const [index, { ip, hostname }] of recordsAt(object, 'status', 'loadBalancer', 'ingress').entries()) {
    const place = `status.loadBalancer.ingress[${index}]`
    if (typeof ip === 'string' && ip !== '') address(ip, `${place}.ip`, errors)
    if (typeof hostname !== 'string' || hostname === '') continue
    refuse(subdomainProblems(hostname), hostname, `${place}.hostname`, errors)
    if (isAddress(hostname)) {
      errors.push(fieldInvalid(`${place}.hostname`, hostname, 'must be a DNS name, not an IP address'))
    }
  }
  return errors
}

export function statusErrors(object: AnyObject): FieldError[] {
  const balanced = recordsAt(object, 'status', 'loadBalancer', 'ingress').length > 0
  if (!balanced || at(object, 'spec', 'type') === 'LoadBalancer') return ingressErrors(object)
  return [fieldForbidden('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'")]
}
