import type { FieldError } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import type { CustomResourceDefinition, DefinitionSpec, DefinitionVersion } from './definition.ts'
import { validateDefinition } from './validate-definition.ts'

const schema = {
  openAPIV3Schema: {
    type: 'object' as const,
    properties: {
      spec: {
        type: 'object' as const,
        properties: {
          color: { type: 'string' as const },
          size: { type: 'integer' as const },
          on: { type: 'boolean' as const },
          list: { type: 'array' as const, items: { type: 'string' as const } },
          map: { type: 'object' as const, additionalProperties: { type: 'string' as const } },
          'a-b': { type: 'string' as const },
        },
      },
      metadata: { type: 'object' as const, properties: { name: { type: 'string' as const } } },
    },
  },
}

const version: DefinitionVersion = { name: 'v1', served: true, storage: true, schema }

function definition(
  spec: Partial<DefinitionSpec> = {},
  parts: Partial<CustomResourceDefinition> = {},
): CustomResourceDefinition {
  const whole = {
    group: 'example.com',
    scope: 'Namespaced' as const,
    names: { plural: 'pumps', singular: 'pump', kind: 'Pump', listKind: 'PumpList' },
    versions: [version],
    conversion: { strategy: 'None' },
    ...spec,
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${whole.names.plural}.${whole.group}` },
    spec: whole,
    status: { storedVersions: whole.versions.filter(({ storage }) => storage).map(({ name }) => name) },
    ...parts,
  }
}

function lines(errors: readonly FieldError[]): string[] {
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const label =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and " +
  "end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
const mixed = `may have mixed case, but should otherwise match: ${label}`
const names = (change: object): Partial<DefinitionSpec> => ({
  names: { plural: 'pumps', singular: 'pump', kind: 'Pump', listKind: 'PumpList', ...change },
})
const versions = (change: object): Partial<DefinitionSpec> => ({ versions: [{ ...version, ...change }] })
const scale = (change: object): Partial<DefinitionSpec> =>
  versions({
    subresources: { scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size', ...change } },
  })
const column = (change: object): Partial<DefinitionSpec> =>
  versions({ additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.color', ...change }] })
const selectable = (...paths: string[]): Partial<DefinitionSpec> =>
  versions({ selectableFields: paths.map((jsonPath) => ({ jsonPath })) })
const webhook = (
  clientConfig: object | undefined,
  conversionReviewVersions: string[] = ['v1'],
): Partial<DefinitionSpec> => ({
  conversion: {
    strategy: 'Webhook',
    webhook: { ...(clientConfig === undefined ? {} : { clientConfig }), conversionReviewVersions },
  },
})
const url = 'https://hook.example/convert'
const config = 'spec.conversion.webhookClientConfig'

describe('a definition is fine', () => {
  test.each<[string, Partial<DefinitionSpec>]>([
    ['with the least', {}],
    [
      'with two versions',
      {
        versions: [
          version,
          { ...version, name: 'v2', storage: false, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    ],
    ['with columns of each type', column({ type: 'date', format: 'date-time', priority: 1 })],
    ['with selectable fields', selectable('.spec.color', '.spec.size', '.spec.on', '.spec.a-b')],
    ['with a scale', scale({ labelSelectorPath: '.status.selector' })],
    ['with a webhook by URL', webhook({ url })],
    [
      'with a webhook by Service',
      webhook({ service: { namespace: 'a', name: 'b', path: '/c/d', port: 8443 } }, ['v2', 'v1beta1']),
    ],
    ['with a deprecated version', versions({ deprecated: true, deprecationWarning: 'use v2' })],
    ['of a group of one letter parts', { group: 'a.b' }],
  ])('%s', (_what, spec) => {
    expect(lines(validateDefinition(definition(spec), undefined))).toEqual([])
  })
})

describe('a definition is refused', () => {
  test.each<[string, Partial<DefinitionSpec>, string[]]>([
    [
      'for a group without a dot',
      { group: 'example' },
      ['spec.group: Invalid value: "example": should be a domain with at least one dot'],
    ],
    [
      'for a group with capitals',
      { group: 'Example.com' },
      [
        "spec.group: Invalid value: \"Example.com\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [
      'for an unknown scope',
      { scope: 'World' as 'Cluster' },
      ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'for a plural with a capital',
      names({ plural: 'Pumps' }),
      [`spec.names.plural: Invalid value: "Pumps": ${label}`],
    ],
    ['for a singular with a dot', names({ singular: 'a.b' }), [`spec.names.singular: Invalid value: "a.b": ${label}`]],
    ['for a kind with an underscore', names({ kind: 'A_b' }), [`spec.names.kind: Invalid value: "A_b": ${mixed}`]],
    [
      'for a list kind that is the kind',
      names({ listKind: 'Pump' }),
      ['spec.names.listKind: Invalid value: "Pump": kind and listKind may not be the same'],
    ],
    ['for a missing kind', names({ kind: '' }), ['spec.names.kind: Required value']],
    [
      'for a short name that is no label',
      names({ shortNames: ['p', 'P'] }),
      [`spec.names.shortNames[1]: Invalid value: "P": ${label}`],
    ],
    [
      'for a category that is no label',
      names({ categories: [''] }),
      [`spec.names.categories[0]: Invalid value: "": ${label}`],
    ],
    [
      'for a version that is no label',
      versions({ name: '1' }),
      [`spec.versions[0].name: Invalid value: "1": ${label}`],
    ],
    ['without a schema', versions({ schema: undefined }), ['spec.versions[0].schema.openAPIV3Schema: Required value']],
    [
      'for a warning without deprecation',
      versions({ deprecationWarning: 'old' }),
      ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
    ],
    [
      'for an empty warning',
      versions({ deprecated: true, deprecationWarning: '' }),
      ['spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string'],
    ],
    [
      'for a warning of two lines',
      versions({ deprecated: true, deprecationWarning: 'a\nb' }),
      [
        'spec.versions[0].deprecationWarning: Invalid value: "a\\nb": must only contain printable UTF-8 characters; non-printable character found at index 1',
      ],
    ],
    ['for a column without a name', column({ name: '' }), ['spec.additionalPrinterColumns[0].name: Required value']],
    [
      'for a column without a type',
      column({ type: '' }),
      ['spec.additionalPrinterColumns[0].type: Required value: must be one of boolean,date,integer,number,string'],
    ],
    [
      'for a column of an unknown type',
      column({ type: 'text' }),
      [
        'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      ],
    ],
    [
      'for a column of an unknown format',
      column({ format: 'short' }),
      [
        'spec.additionalPrinterColumns[0].format: Invalid value: "short": must be one of byte,date,date-time,double,float,int32,int64,password',
      ],
    ],
    [
      'for a column without a path',
      column({ jsonPath: '' }),
      ['spec.additionalPrinterColumns[0].JSONPath: Required value'],
    ],
    [
      'for a column whose path has no dot',
      column({ jsonPath: 'spec' }),
      ['spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .'],
    ],
    ['for a selectable field without a path', selectable(''), ['spec.selectableFields[0].jsonPath: Required value']],
    [
      'for a selectable field that is not there',
      selectable('.spec.none'),
      [
        'spec.selectableFields[0].jsonPath: Invalid value: ".spec.none": is an invalid path: does not refer to a valid field',
      ],
    ],
    [
      'for a selectable field in brackets',
      selectable(".spec['color']"),
      [
        'spec.selectableFields[0].jsonPath: Invalid value: ".spec[\'color\']": is an invalid path: array notation is not allowed',
      ],
    ],
    [
      'for a selectable field without a dot',
      selectable('spec.color'),
      [
        'spec.selectableFields[0].jsonPath: Invalid value: "spec.color": is an invalid path: expected [ or . but got: spec',
      ],
    ],
    [
      'for a selectable list',
      selectable('.spec.list'),
      [
        'spec.selectableFields[0].jsonPath: Invalid value: ".spec.list": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      ],
    ],
    [
      'for a selectable name',
      selectable('.metadata.name'),
      ['spec.selectableFields[0].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata'],
    ],
    [
      'for the same selectable field twice',
      selectable('.spec.color', '.spec.color'),
      ['spec.selectableFields[1].jsonPath: Duplicate value: ".spec.color"'],
    ],
    [
      'for replicas outside of spec',
      scale({ specReplicasPath: '.status.size' }),
      ['spec.subresources.scale.specReplicasPath: Invalid value: ".status.size": should be a json path under .spec'],
    ],
    [
      'for replicas nowhere',
      scale({ specReplicasPath: '' }),
      ['spec.subresources.scale.specReplicasPath: Required value'],
    ],
    [
      'for counted replicas outside of status',
      scale({ statusReplicasPath: '.spec.size' }),
      ['spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.size": should be a json path under .status'],
    ],
    [
      'for a selector in metadata',
      scale({ labelSelectorPath: '.metadata.labels' }),
      [
        'spec.subresources.scale.labelSelectorPath: Invalid value: ".metadata.labels": should be a json path under either .spec or .status',
      ],
    ],
    [
      'for an unknown strategy',
      { conversion: { strategy: 'Magic' } },
      ['spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"'],
    ],
    [
      'for a webhook without use',
      { conversion: { strategy: 'None', webhook: { clientConfig: { url }, conversionReviewVersions: ['v1'] } } },
      [
        `${config}: Forbidden: should not be set when strategy is not set to Webhook`,
        'spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook',
      ],
    ],
    [
      'for a strategy without its webhook',
      webhook(undefined),
      [`${config}: Required value: required when strategy is set to Webhook`],
    ],
    [
      'for a webhook with two addresses',
      webhook({ url, service: { namespace: 'a', name: 'b' } }),
      [`${config}: Required value: exactly one of url or service is required`],
    ],
    [
      'for a webhook without TLS',
      webhook({ url: 'http://hook.example' }),
      [
        `${config}.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      ],
    ],
    [
      'for a webhook with a query',
      webhook({ url: `${url}?a=b` }),
      [`${config}.url: Invalid value: "a=b": query parameters are not permitted in the URL`],
    ],
    [
      'for a Service without a name',
      webhook({ service: { namespace: 'a', name: '' } }),
      [`${config}.service.name: Required value`],
    ],
    [
      'for a port that is none',
      webhook({ service: { namespace: 'a', name: 'b', port: 0 } }),
      [`${config}.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive`],
    ],
    [
      'for a path without a slash',
      webhook({ service: { namespace: 'a', name: 'b', path: 'c' } }),
      [
        `${config}.service.path: Invalid value: "c": must start with a '/'`,
        `${config}.service.path: Invalid value: "c": segment[0] may not be empty`,
      ],
    ],
    ['for no review versions', webhook({ url }, []), ['spec.conversion.conversionReviewVersions: Required value']],
    [
      'for review versions nobody knows',
      webhook({ url }, ['v7']),
      ['spec.conversion.conversionReviewVersions: Invalid value: ["v7"]: must include at least one of v1, v1beta1'],
    ],
    [
      'for a review version twice',
      webhook({ url }, ['v1', 'v1']),
      ['spec.conversion.conversionReviewVersions[1]: Invalid value: "v1": duplicate version'],
    ],
    [
      'for keeping unknown fields of all versions',
      { preserveUnknownFields: true },
      [
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
  ])('%s', (_what, spec, expected) => {
    expect(lines(validateDefinition(definition(spec), undefined))).toEqual(expected)
  })

  test('for more than eight selectable fields, unless it had them before', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`f${index}`, { type: 'string' as const }]),
    )
    const many = versions({
      schema: { openAPIV3Schema: { type: 'object', properties } },
      selectableFields: Object.keys(properties).map((name) => ({ jsonPath: `.${name}` })),
    })
    expect(lines(validateDefinition(definition(many), undefined))).toEqual([
      'spec.selectableFields: Too many: 9: must have at most 8 items',
    ])
    const named = { ...many, ...names({ shortNames: ['p'] }) }
    expect(validateDefinition(definition(named), definition(many))).toEqual([])
  })

  test('for two storage versions, none, or two of one name', () => {
    const other = { ...version, name: 'v2', schema: { openAPIV3Schema: { type: 'object' as const } } }
    const said = (list: DefinitionVersion[]): string[] =>
      lines(validateDefinition(definition({ versions: list }), undefined)).map((line) =>
        line.replace(/: Invalid value: .*: /, ': '),
      )
    expect(said([version, other])).toEqual(['spec.versions: must have exactly one version marked as storage version'])
    expect(said([version, { ...other, name: 'v1', storage: false }])).toEqual([
      'spec.versions: must contain unique version names',
    ])
  })

  test('in a group of Kubernetes without approval', () => {
    const annotation = 'api-approved.kubernetes.io'
    const said = (text: string | undefined): string[] =>
      lines(
        validateDefinition(
          definition(
            { group: 'x.k8s.io' },
            {
              metadata: {
                name: 'pumps.x.k8s.io',
                ...(text === undefined ? {} : { annotations: { [annotation]: text } }),
              },
            },
          ),
          undefined,
        ),
      )
    expect(said('https://github.com/kubernetes/kubernetes/pull/1')).toEqual([])
    expect(said('unapproved, an experiment')).toEqual([])
    expect(said(undefined)[0]).toMatch(
      /^metadata.annotations\[api-approved.kubernetes.io\]: Required value: protected groups/,
    )
    expect(said('yes')[0]).toContain('Invalid value: "yes": protected groups must have approval annotation')
  })
})

describe('an update is refused', () => {
  const established = {
    status: {
      storedVersions: ['v1'],
      conditions: [{ type: 'Established', status: 'True' as const, reason: '', message: '', lastTransitionTime: '' }],
    },
  }

  test('for another group, plural, scope or kind', () => {
    const live = definition({}, established)
    const said = (spec: Partial<DefinitionSpec>): string[] =>
      lines(validateDefinition(definition(spec, established), live))
    expect(said({ scope: 'Cluster' })).toEqual(['spec.scope: Invalid value: "Cluster": field is immutable'])
    expect(said(names({ kind: 'Pumpe' }))).toEqual(['spec.names.kind: Invalid value: "Pumpe": field is immutable'])
    expect(said(names({ plural: 'pumpen' }))).toEqual([
      'spec.names.plural: Invalid value: "pumpen": field is immutable',
    ])
    expect(said({ group: 'example.org' })).toEqual(['spec.group: Invalid value: "example.org": field is immutable'])
    // Until it is established, nothing is stored by scope and kind.
    expect(validateDefinition(definition({ scope: 'Cluster' }), definition())).toEqual([])
  })

  test('for leaving out a version in which objects may be stored', () => {
    const live = definition({}, { status: { storedVersions: ['v0', 'v1'] } })
    const next = definition(names({ shortNames: ['p'] }), { status: { storedVersions: ['v0', 'v1'] } })
    expect(lines(validateDefinition(next, live))).toEqual([
      'status.storedVersions[0]: Invalid value: "v0": missing from spec.versions; v0 was previously a storage version, and ' +
        'must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from ' +
        'status.storedVersions',
    ])
  })
})
