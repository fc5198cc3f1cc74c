import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { ageColumn, nameColumn } from '../present/table-cells.ts'
import { at, column, recordsAt, selectorText, text, textOrNone, wide } from './cells.ts'
import {
  endpointSliceStrategy,
  endpointsStrategy,
  ingressClassStrategy,
  ingressStrategy,
  networkPolicyStrategy,
} from './network-strategies.ts'
import { builtIn } from './serve.ts'
import { serviceStrategy } from './service-strategy.ts'

function servicePorts(object: AnyObject): string {
  return listed(
    recordsAt(object, 'spec', 'ports').map(({ port, nodePort, protocol }) =>
      typeof nodePort === 'number' && nodePort > 0
        ? `${String(port)}:${nodePort}/${String(protocol)}`
        : `${String(port)}/${String(protocol)}`,
    ),
  )
}

function externalAddress(object: AnyObject): string {
  const external = at(object, 'spec', 'externalIPs')
  const own = Array.isArray(external) ? external.map(String) : []
  switch (at(object, 'spec', 'type')) {
    case 'LoadBalancer': {
      const addresses = recordsAt(object, 'status', 'loadBalancer', 'ingress').map(addressOf)
      return [...addresses, ...own].join(',') || '<pending>'
    }
    case 'ExternalName':
      return text('spec', 'externalName')(object)
    default:
      return own.join(',') || '<none>'
  }
}

function addressOf(ingress: Record<string, unknown>): string {
  return text('ip')(ingress) || text('hostname')(ingress)
}

/** Three of them, and how many more there are. */
function shortened(items: readonly string[], unset: string): string {
  if (items.length === 0) return unset
  return items.length <= 3 ? items.join(',') : `${items.slice(0, 3).join(',')} + ${items.length - 3} more...`
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? '<none>' : items.join(',')
}

function endpoints(object: AnyObject): string {
  const all = recordsAt(object, 'subsets').flatMap((subset) => {
    const ports = recordsAt(subset, 'ports')
    return recordsAt(subset, 'addresses').flatMap((address) =>
      ports.length === 0
        ? [String(address['ip'])]
        : ports.map(({ port }) => `${String(address['ip'])}:${String(port)}`),
    )
  })
  return shortened(all, '<none>')
}

export const networkResources: readonly ServedResource[] = [
  builtIn('v1', {
    kind: 'Service',
    plural: 'services',
    namespaced: true,
    shortNames: ['svc'],
    categories: ['all'],
    names: 'dns-1035',
    status: true,
    answersDeleted: true,
    columns: [
      nameColumn,
      column('Type', text('spec', 'type')),
      column('Cluster-IP', textOrNone('spec', 'clusterIP')),
      column('External-IP', externalAddress),
      column('Port(s)', servicePorts),
      ageColumn,
      wide('Selector', (object) => selectorText(at(object, 'spec', 'selector'))),
    ],
    fields: { 'spec.clusterIP': text('spec', 'clusterIP'), 'spec.type': text('spec', 'type') },
    strategy: serviceStrategy,
  }),
  builtIn('v1', {
    kind: 'Endpoints',
    plural: 'endpoints',
    namespaced: true,
    shortNames: ['ep'],
    createOnUpdate: true,
    deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
    columns: [nameColumn, column('Endpoints', endpoints), ageColumn],
    strategy: endpointsStrategy,
  }),
  builtIn('discovery.k8s.io/v1', {
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    namespaced: true,
    generation: true,
    columns: [
      nameColumn,
      column('AddressType', text('addressType')),
      column('Ports', (object) =>
        shortened(
          recordsAt(object, 'ports').map(({ port }) => (typeof port === 'number' ? String(port) : '*')),
          '<unset>',
        ),
      ),
      column('Endpoints', (object) => {
        const addresses = recordsAt(object, 'endpoints').flatMap((one) => one['addresses'])
        return shortened(addresses.map(String), '<unset>')
      }),
      ageColumn,
    ],
    strategy: endpointSliceStrategy,
  }),
  builtIn('networking.k8s.io/v1', {
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    namespaced: true,
    shortNames: ['netpol'],
    generation: true,
    columns: [
      nameColumn,
      column('Pod-Selector', (object) => selectorText(at(object, 'spec', 'podSelector'))),
      ageColumn,
    ],
    strategy: networkPolicyStrategy,
  }),
  builtIn('networking.k8s.io/v1', {
    kind: 'Ingress',
    plural: 'ingresses',
    namespaced: true,
    shortNames: ['ing'],
    status: true,
    generation: true,
    columns: [
      nameColumn,
      column('Class', textOrNone('spec', 'ingressClassName')),
      column('Hosts', (object) => {
        const hosts = recordsAt(object, 'spec', 'rules')
          .map(text('host'))
          .filter((host) => host !== '')
        return shortened(hosts, '*')
      }),
      column('Address', (object) => recordsAt(object, 'status', 'loadBalancer', 'ingress').map(addressOf).join(',')),
      column('Ports', (object) => (recordsAt(object, 'spec', 'tls').length > 0 ? '80, 443' : '80')),
      ageColumn,
    ],
    strategy: ingressStrategy,
  }),
  builtIn('networking.k8s.io/v1', {
    kind: 'IngressClass',
    plural: 'ingressclasses',
    namespaced: false,
    generation: true,
    columns: [
      nameColumn,
      column('Controller', text('spec', 'controller')),
      column('Parameters', (object) => {
        const name = text('spec', 'parameters', 'name')(object)
        return name === '' ? '<none>' : `${text('spec', 'parameters', 'kind')(object)}/${name}`
      }),
      ageColumn,
    ],
    strategy: ingressClassStrategy,
  }),
]
