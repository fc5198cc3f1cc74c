import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import type { Strategy, StrategyContext } from '../served-resource.ts'
import { address, contains, isAddress, range, reachable } from './address-rules.ts'
import { at, recordsAt, text } from './cells.ts'
import {
  labelProblems,
  oldLabelProblems,
  segmentProblems,
  subdomainProblems,
  wildcardProblems,
} from '../objects/dns-names.ts'
import {
  domainPathProblems,
  oneOf,
  optionalName,
  portNameProblems,
  portNumber,
  portNumberOrName,
  qualified,
  refuse,
  required,
  requiredName,
  unchanged,
} from './rules.ts'
import type { Errors } from './rules.ts'
import { ingressErrors } from './service-rules.ts'

type Part = Readonly<Record<string, unknown>>

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

function checkPolicyPorts(rule: Part, path: string, errors: Errors): void {
  for (const [index, { protocol, port, endPort }] of recordsAt(rule, 'ports').entries()) {
    const place = `${path}.ports[${index}]`
    oneOf(protocol, ['TCP', 'UDP', 'SCTP'], `${place}.protocol`, errors)
    if (port !== undefined) portNumberOrName(port, `${place}.port`, errors)
    if (typeof endPort !== 'number') continue
    if (port === undefined)
      errors.push(fieldInvalid(`${place}.endPort`, endPort, 'may not be specified when `port` is not specified'))
    else if (typeof port === 'string')
      errors.push(fieldInvalid(`${place}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
    else {
      if (endPort < (port as number))
        errors.push(fieldInvalid(`${place}.endPort`, port as number, 'must be greater than or equal to `port`'))
      portNumber(endPort, `${place}.endPort`, errors)
    }
  }
}

function checkPeers(rule: Part, side: string, path: string, errors: Errors): void {
  for (const [index, peer] of recordsAt(rule, side).entries()) {
    const place = `${path}.${side}[${index}]`
    const { podSelector, namespaceSelector, ipBlock } = peer
    for (const [field, selector] of [
      ['podSelector', podSelector],
      ['namespaceSelector', namespaceSelector],
    ] as const) {
      if (isRecord(selector)) checkSelector(selector, `${place}.${field}`, errors)
    }
    if (isRecord(ipBlock)) checkBlock(ipBlock, `${place}.ipBlock`, errors)
    const selects = isRecord(podSelector) || isRecord(namespaceSelector)
    if (!selects && !isRecord(ipBlock)) errors.push(fieldRequired(place, 'must specify a peer'))
    else if (selects && isRecord(ipBlock))
      errors.push(fieldForbidden(place, 'may not specify both ipBlock and another peer'))
  }
}

function checkBlock(block: Part, path: string, errors: Errors): void {
  const cidr = text('cidr')(block)
  if (!required(cidr, `${path}.cidr`, errors)) return
  const outer = range(cidr, `${path}.cidr`, errors)
  if (outer === undefined) return
  for (const [index, text] of ((block['except'] ?? []) as string[]).entries()) {
    const place = `${path}.except[${index}]`
    const inner = range(text, place, errors)
    if (inner === undefined || (contains(outer, inner) && inner.fixed > outer.fixed)) continue
    errors.push(fieldInvalid(place, text, 'must be a strict subset of `cidr`'))
  }
}

/** Which traffic pods take part in. */
export const networkPolicyStrategy: Strategy = {
  validate(object) {
    const errors: Errors = []
    const spec: Part = isRecord(object['spec']) ? object['spec'] : {}
    checkSelector(spec['podSelector'] ?? {}, 'spec.podSelector', errors)
    for (const [list, side] of [
      ['ingress', 'from'],
      ['egress', 'to'],
    ] as const) {
      for (const [index, rule] of recordsAt(spec, list).entries()) {
        checkPolicyPorts(rule, `spec.${list}[${index}]`, errors)
        checkPeers(rule, side, `spec.${list}[${index}]`, errors)
      }
    }
    const types = (spec['policyTypes'] ?? []) as string[]
    if (types.length > 2) {
      errors.push(fieldInvalid('spec.policyTypes', types, 'may not specify more than two policyTypes'))
      return errors
    }
    for (const [index, type] of types.entries())
      oneOf(type, ['Ingress', 'Egress'], `spec.policyTypes[${index}]`, errors)
    return errors
  },
}

function checkBackend(backend: unknown, path: string, errors: Errors): void {
  const { service, resource } = isRecord(backend) ? backend : {}
  if (isRecord(service) && isRecord(resource)) {
    errors.push(fieldInvalid(path, '', 'cannot set both resource and service backends'))
  } else if (isRecord(resource)) checkReference(resource, `${path}.resource`, errors)
  else if (isRecord(service)) {
    requiredName(service['name'], oldLabelProblems, `${path}.service.name`, errors)
    const { name = '', number = 0 } = isRecord(service['port']) ? service['port'] : {}
    if (name !== '' && number !== 0) errors.push(fieldInvalid(path, '', 'cannot set both port name & port number'))
    else if (name !== '') refuse(portNameProblems(name as string), name as string, `${path}.service.port.name`, errors)
    else if (number !== 0) portNumber(number, `${path}.service.port.number`, errors)
    else errors.push(fieldRequired(path, 'port name or number is required'))
  } else errors.push(fieldInvalid(path, '', 'resource or service backend is required'))
}

/** What is meant by its kind and name. */
function checkReference(reference: Part, path: string, errors: Errors): void {
  optionalName(reference['apiGroup'], subdomainProblems, `${path}.apiGroup`, errors)
  for (const field of ['kind', 'name']) requiredName(reference[field], segmentProblems, `${path}.${field}`, errors)
}

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
/** Parts that paths cannot have, and endings. */
const NOT_IN_PATHS = ['//', '/./', '/../', '%2f', '%2F']
const NOT_AT_END = ['/..', '/.']

function checkPath(one: Part, path: string, errors: Errors): void {
  const { pathType, backend } = one
  const value = text('path')(one)
  if (pathType === undefined) {
    errors.push(fieldRequired(`${path}.pathType`, 'pathType must be specified'))
    return
  }
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!value.startsWith('/')) errors.push(fieldInvalid(`${path}.path`, value, 'must be an absolute path'))
    if (value !== '') {
      for (const part of NOT_IN_PATHS) {
        if (value.includes(part)) errors.push(fieldInvalid(`${path}.path`, value, `must not contain '${part}'`))
      }
      for (const end of NOT_AT_END) {
        if (value.endsWith(end)) errors.push(fieldInvalid(`${path}.path`, value, `cannot end with '${end}'`))
      }
    }
  } else if (pathType === 'ImplementationSpecific') {
    if (value !== '' && !value.startsWith('/'))
      errors.push(fieldInvalid(`${path}.path`, value, 'must be an absolute path'))
  } else errors.push(fieldNotSupported(`${path}.pathType`, pathType as string, PATH_TYPES))
  checkBackend(backend, `${path}.backend`, errors)
}

function checkHost(host: string, path: string, errors: Errors): void {
  if (isAddress(host)) errors.push(fieldInvalid(path, host, 'must be a DNS name, not an IP address'))
  else refuse(host.includes('*') ? wildcardProblems(host) : subdomainProblems(host), host, path, errors)
}

function ingressSpecErrors(spec: Part): FieldError[] {
  const errors: Errors = []
  const rules = recordsAt(spec, 'rules')
  if (rules.length === 0 && spec['defaultBackend'] === undefined) {
    errors.push(fieldInvalid('spec', null, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (spec['defaultBackend'] !== undefined) checkBackend(spec['defaultBackend'], 'spec.defaultBackend', errors)
  for (const [index, rule] of rules.entries()) {
    const place = `spec.rules[${index}]`
    const host = text('host')(rule)
    if (host !== '') checkHost(host, `${place}.host`, errors)
    if (!isRecord(rule['http'])) continue
    const paths = recordsAt(rule, 'http', 'paths')
    if (paths.length === 0) errors.push(fieldRequired(`${place}.http.paths`))
    for (const [at, path] of paths.entries()) checkPath(path, `${place}.http.paths[${at}]`, errors)
  }
  for (const [index, tls] of recordsAt(spec, 'tls').entries()) {
    const place = `spec.tls[${index}]`
    for (const [at, host] of ((tls['hosts'] ?? []) as string[]).entries()) {
      const problems = host.includes('*') ? wildcardProblems(host) : subdomainProblems(host)
      refuse(problems, host, `${place}.hosts[${at}]`, errors)
    }
    optionalName(tls['secretName'], subdomainProblems, `${place}.secretName`, errors)
  }
  optionalName(spec['ingressClassName'], subdomainProblems, 'spec.ingressClassName', errors)
  return errors
}

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

/** The class for those that name none. */
function withDefaultClass(object: AnyObject, context: StrategyContext): AnyObject {
  const spec = isRecord(object['spec']) ? object['spec'] : {}
  if (spec['ingressClassName'] !== undefined || object.metadata.annotations?.[CLASS_ANNOTATION] !== undefined)
    return object
  const marked = context
    .list('networking.k8s.io', 'ingressclasses')
    .filter(({ metadata }) => metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true')
  const age = ({ metadata }: AnyObject): string => metadata.creationTimestamp ?? ''
  const newest = marked.toSorted((left, right) => (age(left) > age(right) ? -1 : age(left) < age(right) ? 1 : 0))[0]
  return newest === undefined ? object : { ...object, spec: { ...spec, ingressClassName: newest.metadata.name } }
}

export const ingressStrategy: Strategy = {
  warn(object, live) {
    const old = 'kubernetes.io/ingress.class'
    if (live !== undefined || object.metadata.annotations?.[old] === undefined) return []
    return [`annotation "${old}" is deprecated, please use 'spec.ingressClassName' instead`]
  },
  prepareCreate: withDefaultClass,
  validate(object, live) {
    const errors: Errors = []
    const annotation = object.metadata.annotations?.[CLASS_ANNOTATION]
    const named = at(object, 'spec', 'ingressClassName')
    if (live === undefined && annotation !== undefined && named !== undefined && annotation !== named) {
      const why = 'must match `ingressClassName` when both are specified'
      errors.push(fieldInvalid(`annotations.${CLASS_ANNOTATION}`, annotation, why))
    }
    return [...errors, ...ingressSpecErrors(isRecord(object['spec']) ? object['spec'] : {})]
  },
  validateStatus: (object) => ingressErrors(object),
}

/** Longest name, in bytes, of a controller of ingresses. */
const LONGEST_CONTROLLER = 250

export const ingressClassStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const controller = at(object, 'spec', 'controller')
    if (required(controller, 'spec.controller', errors)) {
      if (controller.length > LONGEST_CONTROLLER) errors.push(fieldTooLong('spec.controller', LONGEST_CONTROLLER))
      refuse(domainPathProblems(controller), controller, 'spec.controller', errors)
    }
    const parameters = at(object, 'spec', 'parameters')
    if (isRecord(parameters)) checkParameters(parameters, 'spec.parameters', errors)
    if (live !== undefined) {
      unchanged(controller, controller === at(live, 'spec', 'controller'), 'spec.controller', errors)
    }
    return errors
  },
}

function checkParameters(parameters: Part, path: string, errors: Errors): void {
  checkReference(parameters, path, errors)
  const { scope, namespace } = parameters
  if (scope === undefined) errors.push(fieldRequired(`${path}.scope`))
  oneOf(scope, ['Cluster', 'Namespace'], `${path}.scope`, errors)
  if (scope === 'Namespace') {
    if (namespace === undefined || namespace === '') {
      errors.push(fieldRequired(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"))
    } else optionalName(namespace, labelProblems, `${path}.namespace`, errors)
  } else if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(fieldForbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"))
  }
}

/** Where the pods of a service are, as it was said before there were slices. */
export const endpointsStrategy: Strategy = {
  validate(object) {
    const errors: Errors = []
    for (const [index, subset] of recordsAt(object, 'subsets').entries()) {
      const path = `subsets[${index}]`
      const ports = recordsAt(subset, 'ports')
      const found = ['addresses', 'notReadyAddresses'].map((list) => recordsAt(subset, list))
      if (found.every((list) => list.length === 0)) {
        errors.push(fieldRequired(path, 'must specify `addresses` or `notReadyAddresses`'))
      }
      for (const [list, addresses] of found.entries()) {
        const name = list === 0 ? 'addresses' : 'notReadyAddresses'
        for (const [at, one] of addresses.entries()) checkEndpoint(one, `${path}.${name}[${at}]`, errors)
      }
      for (const [at, port] of ports.entries()) {
        const place = `${path}.ports[${at}]`
        if (ports.length > 1) requiredName(port['name'], labelProblems, `${place}.name`, errors)
        else optionalName(port['name'], labelProblems, `${place}.name`, errors)
        portNumber(port['port'], `${place}.port`, errors)
        oneOf(port['protocol'], PROTOCOLS, `${place}.protocol`, errors)
        if (typeof port['appProtocol'] === 'string') qualified(port['appProtocol'], `${place}.appProtocol`, errors)
      }
    }
    return errors
  },
}

function checkEndpoint(one: Part, path: string, errors: Errors): void {
  const ip = text('ip')(one)
  address(ip, `${path}.ip`, errors)
  optionalName(one['hostname'], labelProblems, `${path}.hostname`, errors)
  optionalName(one['nodeName'], subdomainProblems, `${path}.nodeName`, errors)
  reachable(ip, `${path}.ip`, errors)
}

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6']
const MOST_ADDRESSES = 100

/** A part of where the pods of a service are; all of it are addresses of one type. */
export const endpointSliceStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const { addressType } = object
    if (live !== undefined) unchanged(addressType, addressType === live['addressType'], 'addressType', errors)
    if (addressType === undefined || addressType === '') errors.push(fieldRequired('addressType'))
    else oneOf(addressType, ADDRESS_TYPES, 'addressType', errors)
    for (const [index, one] of recordsAt(object, 'endpoints').entries()) {
      checkSliceEndpoint(one, addressType, `endpoints[${index}]`, errors)
    }
    const names = new Set<string>()
    for (const [index, port] of recordsAt(object, 'ports').entries()) {
      const place = `ports[${index}]`
      const name = text('name')(port)
      optionalName(name, labelProblems, `${place}.name`, errors)
      if (names.has(name)) errors.push(fieldDuplicate(`${place}.name`, name))
      names.add(name)
      oneOf(port['protocol'], PROTOCOLS, `${place}.protocol`, errors)
      if (typeof port['appProtocol'] === 'string') qualified(port['appProtocol'], `${place}.appProtocol`, errors)
    }
    return errors
  },
}

function checkSliceEndpoint(one: Part, type: unknown, path: string, errors: Errors): void {
  const addresses = (one['addresses'] ?? []) as string[]
  const place = `${path}.addresses`
  if (addresses.length === 0) errors.push(fieldRequired(place, 'must contain at least 1 address'))
  if (addresses.length > MOST_ADDRESSES) {
    errors.push(fieldInvalid(place, addresses as Json, `must not have more than ${MOST_ADDRESSES} addresses`))
  }
  for (const [index, value] of addresses.entries()) {
    const field = `${place}[${index}]`
    if (type === 'FQDN') {
      refuse(subdomainProblems(value), value, field, errors)
      continue
    }
    if (!isAddress(value)) {
      address(value, field, errors)
      continue
    }
    const isNew = value.includes(':')
    if (type === 'IPv4' && isNew) errors.push(fieldInvalid(place, value, 'must be an IPv4 address'))
    if (type === 'IPv6' && !isNew) errors.push(fieldInvalid(place, value, 'must be an IPv6 address'))
    reachable(value, field, errors)
  }
  optionalName(one['nodeName'], subdomainProblems, `${path}.nodeName`, errors)
  optionalName(one['hostname'], labelProblems, `${path}.hostname`, errors)
}
