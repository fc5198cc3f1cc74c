import { deepEqual, fieldInvalid, invalid } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy, StrategyContext } from '../served-resource.ts'
import { recordsAt, text } from './cells.ts'
import { serviceErrors, statusErrors } from './service-rules.ts'

/** Services get addresses from 10.96.0.0/16; the first goes to the API server, the next ones people choose. */
const PREFIX = '10.96.'
const FIRST_ADDRESS = 256
const LAST_ADDRESS = 65_534
const FIRST_NODE_PORT = 30_000
const LAST_NODE_PORT = 32_767

/** What a service has that stands for addresses of its own. */
const ADDRESSED = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy']

type Spec = Record<string, unknown>

function specOf(object: AnyObject): Spec {
  return isRecord(object['spec']) ? object['spec'] : {}
}

/** The lowest address no service has. What is taken is read from the services, so that nothing else need be kept. */
function freeAddress(context: StrategyContext): string {
  const taken = new Set(context.list('', 'services').map((service) => text('spec', 'clusterIP')(service)))
  for (let number = FIRST_ADDRESS; number <= LAST_ADDRESS; number++) {
    const address = `${PREFIX}${number >> 8}.${number & 255}`
    if (!taken.has(address)) return address
  }
  throw new RangeError('all addresses for services are taken')
}

function freeNodePort(taken: Set<unknown>): number {
  for (let port = FIRST_NODE_PORT; port <= LAST_NODE_PORT; port++) {
    if (taken.has(port)) continue
    taken.add(port)
    return port
  }
  throw new RangeError('all node ports are taken')
}

/** Gives the service the addresses and ports its type asks for, and keeps those it has. */
function allocate(object: AnyObject, live: AnyObject | undefined, context: StrategyContext): AnyObject {
  const before = live === undefined ? {} : specOf(live)
  const spec: Spec = { ...specOf(object) }
  const { type } = spec
  if (type === 'ExternalName') {
    if (live === undefined || before['type'] === 'ExternalName') return { ...object, spec }
    for (const name of ADDRESSED) if (deepEqual(spec[name] ?? null, before[name] ?? null)) delete spec[name]
    return { ...object, spec }
  }
  const list = Array.isArray(spec['clusterIPs']) ? (spec['clusterIPs'] as unknown[]) : []
  spec['clusterIP'] ??= list[0] ?? before['clusterIP'] ?? freeAddress(context)
  checkTaken(object, spec, live, context)
  if (list.length === 0) spec['clusterIPs'] = before['clusterIPs'] ?? [spec['clusterIP']]
  // Whoever lists the addresses himself may list some of each family.
  const open =
    spec['clusterIP'] === 'None' && Object.keys(isRecord(spec['selector']) ? spec['selector'] : {}).length === 0
  spec['ipFamilyPolicy'] ??= before['ipFamilyPolicy'] ?? (open ? 'RequireDualStack' : 'SingleStack')
  const families = open && spec['ipFamilyPolicy'] !== 'SingleStack' ? ['IPv4', 'IPv6'] : ['IPv4']
  spec['ipFamilies'] ??= before['ipFamilies'] ?? families
  if (type === 'NodePort' || type === 'LoadBalancer') spec['ports'] = withNodePorts(spec, before, context)
  else if (live !== undefined && before['type'] !== type)
    spec['ports'] = recordsAt(spec, 'ports').map(({ nodePort: _given, ...port }) => port)
  return { ...object, spec }
}

/** An address belongs to one service. */
function checkTaken(object: AnyObject, spec: Spec, live: AnyObject | undefined, context: StrategyContext): void {
  const address = text('clusterIP')(spec)
  if (address === '' || address === 'None' || address === text('spec', 'clusterIP')(live)) return
  if (!context.list('', 'services').some((service) => text('spec', 'clusterIP')(service) === address)) return
  const why = `failed to allocate IP ${address}: provided IP is already allocated`
  throw invalid({ group: '', kind: 'Service' }, object.metadata.name, [fieldInvalid('spec.clusterIPs', [address], why)])
}

/** Fields that mean nothing for services without an address, or of another type. */
function warnings(object: AnyObject): string[] {
  const spec = specOf(object)
  const { type } = spec
  const hints = 'service.kubernetes.io/topology-aware-hints'
  const external = Array.isArray(spec['externalIPs']) && spec['externalIPs'].length > 0
  const isExternalName = type === 'ExternalName'
  const headless = spec['clusterIP'] === 'None' && !isExternalName
  const told: readonly (readonly [boolean, string])[] = [
    [
      object.metadata.annotations?.[hints] !== undefined,
      `annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    ],
    [headless && text('loadBalancerIP')(spec) !== '', 'spec.loadBalancerIP is ignored for headless services'],
    [headless && external, 'spec.externalIPs is ignored for headless services'],
    [headless && spec['sessionAffinity'] !== 'None', 'spec.SessionAffinity is ignored for headless services'],
    [isExternalName && external, 'spec.externalIPs is ignored when spec.type is "ExternalName"'],
    [
      !isExternalName && text('externalName')(spec) !== '',
      'spec.externalName is ignored when spec.type is not "ExternalName"',
    ],
  ]
  return told.filter(([applies]) => applies).map(([, why]) => why)
}

function withNodePorts(spec: Spec, before: Spec, context: StrategyContext): unknown {
  if (!Array.isArray(spec['ports']) || spec['allocateLoadBalancerNodePorts'] === false) return spec['ports']
  let taken: Set<unknown> | undefined
  const old = recordsAt(before, 'ports')
  return spec['ports'].map((port: unknown) => {
    if (!isRecord(port) || port['nodePort'] !== undefined) return port
    const same = old.find((one) => one['port'] === port['port'] && one['protocol'] === port['protocol'])
    if (same?.['nodePort'] !== undefined) return { ...port, nodePort: same['nodePort'] }
    taken ??= new Set(
      context.list('', 'services').flatMap((one) => recordsAt(one, 'spec', 'ports').map(({ nodePort }) => nodePort)),
    )
    return { ...port, nodePort: freeNodePort(taken) }
  })
}

export const serviceStrategy: Strategy = {
  prepareCreate: (object, context) => allocate(object, undefined, context),
  prepareUpdate: (object, live, context) => allocate(object, live, context),
  validate: (object, live) => serviceErrors(specOf(object), live === undefined ? undefined : specOf(live)),
  warn: warnings,
  validateStatus: (object) => statusErrors(object),
}
