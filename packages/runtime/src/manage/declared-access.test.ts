import type { Resource } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { inputResourcesFrom, outputResourcesFrom, ResourceListError } from '../once/resource-lists.ts'
import { type AccessOptions, declaredAccess } from './declared-access.ts'

const SERVED: Record<string, Pick<Resource, 'kind' | 'namespaced'>> = {
  configmaps: { kind: 'ConfigMap', namespaced: true },
  secrets: { kind: 'Secret', namespaced: true },
  nodes: { kind: 'Node', namespaced: false },
}

const config = (name: string) => ({ version: 'v1', resource: 'configmaps', namespace: 'app', name })

/** Three API servers that serve a few kinds, without limits. */
function access(inputs: object, outputs: object = {}, more: Partial<AccessOptions> = {}) {
  return declaredAccess({
    inputs: inputResourcesFrom({ applyConfigurationResources: inputs }),
    outputs: outputResourcesFrom(outputs),
    rules: [],
    reach: () => ({ clusterScoped: true }),
    served: (_destination, { group, version, resource }) =>
      SERVED[resource] && { group, version, plural: resource, ...SERVED[resource] },
    isSame: (one, other) => one === other,
    ...more,
  })
}

function shown({ reads }: ReturnType<typeof access>) {
  return reads.map(
    ({ destination, resource, ...scope }) => `${destination} ${resource.plural} ${JSON.stringify(scope)}`,
  )
}

describe('reads', () => {
  test('are what the lists name, each once', () => {
    const reference = { version: 'v1', resource: 'secrets', namespace: 'config', nameJSONPath: '$.spec.name' }
    const inputs = {
      exactResources: [config('a'), config('a'), { version: 'v1', resource: 'nodes', name: 'n' }],
      generatedNameResources: [config('made-')],
      labelSelectedResources: [
        { version: 'v1', resource: 'secrets', labelSelector: { matchLabels: { app: 'x', tier: 'y' } } },
      ],
      resourceReferences: [
        { type: 'ImplicitNamespacedReference', referringResource: config('a'), implicitNamespacedReference: reference },
      ],
    }
    expect(shown(access(inputs))).toEqual([
      'Configuration configmaps {"namespace":"app","name":"a"}',
      'Configuration nodes {"name":"n"}',
      'Configuration configmaps {"namespace":"app","prefix":"made-"}',
      'Configuration secrets {"labelSelector":"app=x,tier=y"}',
      'Configuration secrets {"namespace":"config"}',
    ])
  })

  test('come from where a rule says, else from where they may be written, else from the configuration', () => {
    const inputs = { exactResources: [config('a'), config('b'), config('c'), { ...config('b'), namespace: 'other' }] }
    const outputs = { managementResources: { exactResources: [config('a')] } }
    const made = access(inputs, outputs, {
      rules: [
        { resource: 'configmaps', namespace: 'other', destination: 'Management' },
        { group: 'apps', destination: 'Management' },
      ],
    })
    expect(shown(made).map((read) => read.split(' ')[0])).toEqual([
      'Management',
      'Configuration',
      'Configuration',
      'Management',
    ])
  })

  test('of what may be written on two API servers need a rule, unless both are one', () => {
    const inputs = { exactResources: [config('a')] }
    const lists = { exactResources: [config('a')] }
    const outputs = { managementResources: lists, userWorkloadResources: lists }
    expect(() => access(inputs, outputs)).toThrow(ResourceListError)
    expect(() => access(inputs, outputs)).toThrow(
      'configmaps app/a may be read from Management and from UserWorkload, since the operator may write it on both: say which under its inputs',
    )
    expect(shown(access(inputs, outputs, { isSame: () => true }))).toHaveLength(1)
    const rules = [{ destination: 'UserWorkload' as const }]
    expect(shown(access(inputs, outputs, { rules }))).toEqual([
      'UserWorkload configmaps {"namespace":"app","name":"a"}',
    ])
  })

  test('of what is not served are missing', () => {
    const { reads, missing } = access({ exactResources: [{ group: 'x.io', version: 'v1', resource: 'xs', name: 'a' }] })
    expect(reads).toEqual([])
    expect(missing).toMatchObject([{ destination: 'Configuration', resource: { resource: 'xs' } }])
  })
})

test('writes are what the lists name, status included, and events in both of their APIs', () => {
  const { writes } = access(
    {},
    {
      configurationResources: { exactResources: [config('a')], generatedNameResources: [config('made-')] },
      managementResources: { eventingNamespaces: ['app'] },
    },
  )
  const texts = writes.map(
    ({ destination, resource, ...rest }) => `${destination} ${resource.plural} ${JSON.stringify(rest)}`,
  )
  expect(texts).toEqual([
    'Configuration configmaps {"namespace":"app","name":"a"}',
    'Configuration configmaps {"namespace":"app","name":"a","subresource":"status"}',
    'Configuration configmaps {"namespace":"app","generateName":"made-"}',
    'Management events {"namespace":"app"}',
    'Management events {"namespace":"app"}',
  ])
})

describe('an operator that is kept to its namespaces', () => {
  const reach = () => ({ namespaces: new Set(['app', 'app-2']), clusterScoped: false })

  test.each([
    [
      { exactResources: [{ ...config('a'), namespace: 'kube-system' }] },
      'the operator wants to be given configmaps in namespace kube-system of Configuration, where only app, app-2 are mapped for it',
    ],
    [
      { labelSelectedResources: [{ version: 'v1', resource: 'secrets', labelSelector: { matchLabels: { a: 'b' } } }] },
      'the operator wants to be given secrets in all namespaces of Configuration, where only app, app-2 are mapped for it',
    ],
    [
      { exactResources: [{ version: 'v1', resource: 'nodes', name: 'n' }] },
      'the operator wants to be given nodes of Configuration, where it is kept to its namespaces: set clusterScoped there if it may',
    ],
  ])('is not given others: %#', (inputs, why) => {
    expect(() => access(inputs, {}, { reach })).toThrow(why)
  })

  test('may write no others, and tell no events there', () => {
    const elsewhere = { eventingNamespaces: ['default'] }
    expect(() => access({}, { userWorkloadResources: elsewhere }, { reach })).toThrow(
      'the operator wants to write events in namespace default of UserWorkload',
    )
    expect(access({ exactResources: [config('a')] }, {}, { reach }).reads).toHaveLength(1)
  })
})
