import type { InvalidCause } from './answer.ts'
import { group } from './case.ts'
import { conditioned, conditionsOf, specified, unserved } from './definitions.ts'
import { anything, CRD, definition } from './fixtures.ts'
import type { Definition } from './fixtures.ts'
import { absent, exactly, including, timestamp, uuid } from './match.ts'

const KIND = 'CustomResourceDefinition.apiextensions.k8s.io'
const RULE = 'spec.validation.openAPIV3Schema.properties[spec]'
const dear =
  'Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'

/** Rules of a spec that is a number named `a` in an object. */
function ruled(...rules: readonly object[]): object {
  return specified({ type: 'object', properties: { a: { type: 'integer' } }, 'x-kubernetes-validations': rules })
}

function shown(rule: string): string {
  const words = JSON.stringify(rule).replaceAll('>', '\\u003e')
  return `Invalid value: {"Rule":${words},"Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: `
}

export const definitions = group('G8', (add) => {
  add('V01', 'conditions of a definition', async (t) => {
    const suffix = `${t.unique('g')}.example.com`
    const name = `foos.${suffix}`
    const names = { plural: 'foos', singular: 'foo', kind: 'Foo', shortNames: ['fo'], categories: ['all'] }
    const made = await t.createGlobal(CRD, definition('foos', suffix, anything, { names }))
    t.match(made, { metadata: { name, uid: uuid, generation: 1 } }, 'the definition')
    const object = await conditioned(t, name, 'Established', 'True')
    t.match(
      conditionsOf(object),
      {
        NamesAccepted: {
          status: 'True',
          reason: 'NoConflicts',
          message: 'no conflicts found',
          lastTransitionTime: timestamp,
        },
        Established: {
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
          lastTransitionTime: timestamp,
        },
        NonStructuralSchema: absent,
        KubernetesAPIApprovalPolicyConformant: absent,
        Terminating: absent,
      },
      'conditions',
    )
    t.match(
      object.status,
      { acceptedNames: exactly({ ...names, listKind: 'FooList' }), storedVersions: ['v1'] },
      'status',
    )
    t.match(object.metadata, { generation: 1, finalizers: absent }, 'metadata')
    const path = `/apis/${suffix}/v1/namespaces/${t.ns}/foos`
    await t.eventually(async () => (await t.get(path)).is(200, { kind: 'FooList', apiVersion: `${suffix}/v1` }))
    await t.create(path, { apiVersion: `${suffix}/v1`, kind: 'Foo', metadata: { name: 'f' }, spec: { any: 1 } })
    // A second version is stored from the moment on that it is the one to be stored.
    const versions = [
      { name: 'v1', served: true, storage: false, ...anything },
      { name: 'v2', served: true, storage: true, ...anything },
    ]
    ;(await t.patch(`${CRD}/${name}`, 'merge', { spec: { versions } })).is(200, { metadata: { generation: 2 } })
    await t.eventually(async () =>
      (await t.get(`${CRD}/${name}`)).is(200, { status: { storedVersions: exactly(['v1', 'v2']) } }),
    )
    await t.eventually(async () =>
      (await t.get(`/apis/${suffix}/v2/namespaces/${t.ns}/foos/f`)).is(200, {
        apiVersion: `${suffix}/v2`,
        spec: { any: 1 },
      }),
    )
    // What is still stored somewhere cannot be taken away.
    const only = { spec: { versions: [{ name: 'v2', served: true, storage: true, ...anything }] } }
    ;(await t.patch(`${CRD}/${name}`, 'merge', only)).refuses(422, 'Invalid', {
      details: { causes: including({ reason: 'FieldValueInvalid', field: 'status.storedVersions[0]' }) },
    })
  })

  add('V02', 'defaults of a definition', async (t) => {
    const suffix = `${t.unique('g')}.example.com`
    const wanted = definition('foos', suffix, anything, { names: { plural: 'foos', kind: 'FooBar' } })
    const made = await t.createGlobal(CRD, wanted)
    t.match(
      made.spec,
      {
        names: exactly({ plural: 'foos', singular: 'foobar', kind: 'FooBar', listKind: 'FooBarList' }),
        conversion: exactly({ strategy: 'None' }),
        scope: 'Namespaced',
        preserveUnknownFields: absent,
      },
      'spec',
    )
    t.match(
      made.metadata.managedFields?.filter(
        ({ operation, subresource }) => operation === 'Update' && subresource === undefined,
      ),
      [
        {
          manager: 'conformance',
          fieldsV1: exactly({
            'f:spec': {
              'f:conversion': { '.': {}, 'f:strategy': {} },
              'f:group': {},
              'f:names': { 'f:kind': {}, 'f:listKind': {}, 'f:plural': {}, 'f:singular': {} },
              'f:scope': {},
              'f:versions': {},
            },
          }),
        },
      ],
      'owners',
    )
    const established = await conditioned(t, wanted.metadata.name, 'Established', 'True')
    const condition = {
      '.': {},
      'f:lastTransitionTime': {},
      'f:message': {},
      'f:reason': {},
      'f:status': {},
      'f:type': {},
    }
    t.match(
      established.metadata.managedFields,
      including({
        manager: 'kube-apiserver',
        operation: 'Update',
        subresource: 'status',
        fieldsV1: exactly({
          'f:status': {
            'f:acceptedNames': { 'f:kind': {}, 'f:listKind': {}, 'f:plural': {}, 'f:singular': {} },
            'f:conditions': { 'k:{"type":"Established"}': condition, 'k:{"type":"NamesAccepted"}': condition },
          },
        }),
      }),
      'owners of the status',
    )
    ;(await t.patch(`${CRD}/${wanted.metadata.name}`, 'merge', { spec: { group: 'other.example.com' } })).refuses(
      422,
      'Invalid',
      { details: { causes: including({ reason: 'FieldValueInvalid', field: 'spec.group' }) } },
    )
    const scope = await t.patch(`${CRD}/${wanted.metadata.name}`, 'merge', { spec: { scope: 'Cluster' } })
    scope.refuses(422, 'Invalid', {
      details: {
        causes: [
          { reason: 'FieldValueInvalid', field: 'spec.scope', message: 'Invalid value: "Cluster": field is immutable' },
        ],
      },
    })
  })

  add('V21', 'formats that nothing enforces', async (t) => {
    const formed = (properties: object): object => ({
      schema: { openAPIV3Schema: { type: 'object', properties } },
    })
    const known = { a: { type: 'string', format: 'date-time' }, b: { type: 'integer', format: 'int32' } }
    const suffix = `${t.unique('x')}.example.com`
    const first = { ...known, c: { type: 'string', format: 'one' } }
    const made = await t.post(CRD, definition('foos', suffix, formed(first)), { query: { dryRun: 'All' } })
    made.header('warning', '299 - "unrecognized format \\"one\\""').is(201)
    const quiet = await t.post(CRD, definition('foos', suffix, formed(known)), { query: { dryRun: 'All' } })
    quiet.header('warning', absent).is(201)
  })

  add('V03', 'definitions that are refused', async (t) => {
    const foos = (version: object, more: object = {}): Definition => definition('foos', 'g.example.com', version, more)
    const version = (name: string, storage: boolean): object => ({ name, served: true, storage, ...anything })
    const list = (...names: readonly (readonly [string, boolean])[]): string =>
      JSON.stringify(
        names.map(([Name, Storage]) => ({
          Name,
          Served: true,
          Storage,
          Deprecated: false,
          DeprecationWarning: null,
          Schema: null,
          Subresources: null,
          AdditionalPrinterColumns: null,
          SelectableFields: null,
        })),
      )
    const bad = (reason: string, field: string, message: string | RegExp): InvalidCause => ({
      reason: `FieldValue${reason}`,
      field,
      message,
    })
    const top = 'spec.validation.openAPIV3Schema'
    const refused: readonly (readonly [Definition, ...InvalidCause[]])[] = [
      [
        { ...foos(anything), metadata: { name: 'bars.g.example.com' } },
        bad(
          'Invalid',
          'metadata.name',
          'Invalid value: "bars.g.example.com": must be spec.names.plural+"."+spec.group',
        ),
      ],
      [
        foos({}, { versions: [version('v1', true), version('v2', true)] }),
        bad(
          'Invalid',
          'spec.versions',
          `Invalid value: ${list(['v1', true], ['v2', true])}: must have exactly one version marked as storage version`,
        ),
        bad('Invalid', 'status.storedVersions', 'Invalid value: ["v1"]: must have the storage version v2'),
      ],
      [
        foos({}, { versions: [version('v1', false)] }),
        bad(
          'Invalid',
          'spec.versions',
          `Invalid value: ${list(['v1', false])}: must have exactly one version marked as storage version`,
        ),
        bad('Invalid', 'status.storedVersions', 'Invalid value: null: must have at least one stored version'),
      ],
      [
        foos({}, { versions: [version('v1', true), version('v1', false)] }),
        bad(
          'Invalid',
          'spec.versions',
          `Invalid value: ${list(['v1', true], ['v1', false])}: must contain unique version names`,
        ),
      ],
      [foos({ schema: undefined }), bad('Required', 'spec.versions[0].schema.openAPIV3Schema', 'Required value')],
      [
        foos(specified({ properties: { a: { type: 'string' } } })),
        bad(
          'Required',
          `${top}.properties[spec].type`,
          'Required value: must not be empty for specified object fields',
        ),
      ],
      [
        foos({ schema: { openAPIV3Schema: { properties: {} } } }),
        bad('Required', `${top}.type`, 'Required value: must not be empty at the root'),
      ],
      [
        foos(specified({ type: 'object', anyOf: [{ type: 'object' }] })),
        bad('Forbidden', `${top}.properties[spec].anyOf[0].type`, 'Forbidden: must be empty to be structural'),
      ],
      [
        foos(
          specified({
            type: 'object',
            properties: { a: { type: 'string' } },
            additionalProperties: { type: 'string' },
          }),
        ),
        bad(
          'Forbidden',
          `${top}.properties[spec].additionalProperties`,
          'Forbidden: additionalProperties and properties are mutual exclusive',
        ),
      ],
      [
        foos(specified({ type: 'array', uniqueItems: true, items: { type: 'string' } })),
        bad(
          'Forbidden',
          `${top}.properties[spec].uniqueItems`,
          'Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
        ),
      ],
      [
        foos(specified({ type: 'object', properties: { a: { type: 'integer', default: 'x' } } })),
        bad(
          'TypeInvalid',
          `${top}.properties[spec].properties[a].default`,
          'Invalid value: "string":  in body must be of type integer: "string"',
        ),
      ],
      [
        foos(specified({ type: 'string', pattern: '(' })),
        bad(
          'Invalid',
          `${top}.properties[spec].pattern`,
          'Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: missing closing ): `(`',
        ),
      ],
      [
        foos(specified({ type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object', properties: {} } })),
        bad(
          'Required',
          `${top}.properties[spec].x-kubernetes-list-map-keys`,
          'Required value: must not be empty if x-kubernetes-list-type is map',
        ),
      ],
      [
        foos(anything, { scope: 'Galaxy' }),
        bad('NotSupported', 'spec.scope', 'Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'),
      ],
      [
        definition('foos', 'apps.k8s.io', anything),
        bad(
          'Required',
          'metadata.annotations[api-approved.kubernetes.io]',
          'Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
        ),
      ],
      [
        foos({ ...anything, subresources: { scale: { specReplicasPath: '.status.x', statusReplicasPath: '' } } }),
        bad(
          'Invalid',
          'spec.subresources.scale.specReplicasPath',
          'Invalid value: ".status.x": should be a json path under .spec',
        ),
        bad('Required', 'spec.subresources.scale.statusReplicasPath', 'Required value'),
      ],
      [
        foos({ ...anything, additionalPrinterColumns: [{ name: 'a', type: 'text', jsonPath: 'x' }] }),
        bad(
          'Invalid',
          'spec.additionalPrinterColumns[0].type',
          'Invalid value: "text": must be one of boolean,date,integer,number,string',
        ),
        bad(
          'Invalid',
          'spec.additionalPrinterColumns[0].JSONPath',
          'Invalid value: "x": must be a simple json path starting with .',
        ),
      ],
      [
        foos({ ...anything, selectableFields: [{ jsonPath: '.spec.x' }] }),
        bad(
          'Invalid',
          'spec.selectableFields[0].jsonPath',
          'Invalid value: ".spec.x": is an invalid path: does not refer to a valid field',
        ),
      ],
    ]
    for (const [wanted, ...causes] of refused) {
      ;(await t.post(CRD, wanted)).invalid(KIND, wanted.metadata.name, causes)
    }
    const strict = await t.post(
      CRD,
      { ...foos(anything), spec: { ...foos(anything).spec, nope: 1 } },
      { query: { fieldValidation: 'Strict' } },
    )
    strict.refuses(400, 'BadRequest', {
      message:
        'CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: strict decoding error: unknown field "spec.nope"',
    })
  })

  add('V04', 'names that are taken', async (t) => {
    const suffix = `${t.unique('g')}.example.com`
    const names = { plural: 'foos', kind: 'Foo', shortNames: ['fo'] }
    await t.createGlobal(CRD, definition('foos', suffix, anything, { names }))
    await conditioned(t, `foos.${suffix}`, 'Established', 'True')
    const other = { plural: 'bars', singular: 'bar', kind: 'Foo' }
    await t.createGlobal(CRD, definition('bars', suffix, anything, { names: other }))
    const refused = await conditioned(t, `bars.${suffix}`, 'NamesAccepted', 'False')
    t.match(
      conditionsOf(refused),
      {
        NamesAccepted: { status: 'False', reason: 'ListKindConflict', message: '"FooList" is already in use' },
        Established: { status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
      },
      'conditions',
    )
    t.match(refused.status?.['acceptedNames'], exactly({ plural: 'bars', singular: 'bar', kind: '' }), 'accepted names')
    unserved(await t.get(`/apis/${suffix}/v1/namespaces/${t.ns}/bars`))
    const short = { plural: 'bazs', singular: 'baz', kind: 'Baz', shortNames: ['fo', 'bz'] }
    await t.createGlobal(CRD, definition('bazs', suffix, anything, { names: short }))
    const shortened = await conditioned(t, `bazs.${suffix}`, 'NamesAccepted', 'False')
    t.match(
      conditionsOf(shortened),
      { NamesAccepted: { reason: 'ShortNamesConflict', message: '"fo" is already in use' } },
      'conditions',
    )
    // The names are free when their owner goes.
    ;(await t.delete(`${CRD}/foos.${suffix}`)).is(200)
    await conditioned(t, `bars.${suffix}`, 'Established', 'True')
    await conditioned(t, `bazs.${suffix}`, 'NamesAccepted', 'True')
  })

  add('V16', 'rules that cannot be', async (t) => {
    const foos = (version: object): Definition => definition('foos', 'g.example.com', version)
    const refused = async (version: object, ...causes: readonly InvalidCause[]): Promise<void> => {
      const wanted = foos(version)
      ;(await t.post(CRD, wanted)).invalid(KIND, wanted.metadata.name, causes)
    }
    const at = (index: number, part = 'rule'): string => `${RULE}.x-kubernetes-validations[${index}].${part}`
    const invalid = (field: string, message: string | RegExp): InvalidCause => ({
      reason: 'FieldValueInvalid',
      field,
      message,
    })
    await refused(
      ruled({ rule: 'self.a +' }),
      invalid(
        at(0),
        `${shown('self.a +')}compilation failed: ERROR: <input>:1:9: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.a +\n | ........^`,
      ),
    )
    await refused(
      ruled({ rule: 'self.b > 1' }),
      invalid(
        at(0),
        `${shown('self.b > 1')}compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b > 1\n | ....^`,
      ),
    )
    await refused(
      ruled({ rule: 'self.a' }, { rule: "self.a == 'x'" }),
      invalid(at(0), `${shown('self.a')}cel expression must evaluate to a bool`),
      invalid(
        at(1),
        `${shown("self.a == 'x'")}compilation failed: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, string)'\n | self.a == 'x'\n | .......^`,
      ),
    )
    await refused(ruled({ rule: ' ' }), {
      reason: 'FieldValueRequired',
      field: at(0),
      message: 'Required value: rule is not specified',
    })
    await refused(
      ruled(
        { rule: 'self.a > 1', message: ' ' },
        { rule: 'self.a > 1', message: 'a\nb' },
        { rule: 'self.a > 1', reason: 'X' },
        { rule: 'self.a > 1', fieldPath: '.nope' },
      ),
      invalid(at(0, 'message'), 'Invalid value: " ": must be non-empty if specified'),
      invalid(at(1, 'message'), 'Invalid value: "a\\nb": must not contain line breaks'),
      {
        reason: 'FieldValueNotSupported',
        field: at(2, 'reason'),
        message:
          'Unsupported value: "X": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"',
      },
      invalid(at(3, 'fieldPath'), /^Invalid value: "\.nope": /),
    )
    const forbidden = (field: string, message: string | RegExp): InvalidCause => ({
      reason: 'FieldValueForbidden',
      field,
      message,
    })
    const total = [
      forbidden(
        at(0),
        'Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
      ),
      forbidden(
        'spec.validation.openAPIV3Schema',
        /^Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x/,
      ),
    ]
    const deep = (items: object): object => ({ type: 'array', items })
    const nested = deep(deep(deep({ type: 'string' })))
    const rule = 'self.all(a, a.all(b, b.all(c, c.contains("x"))))'
    await refused(specified({ ...nested, 'x-kubernetes-validations': [{ rule }] }), forbidden(at(0), dear), ...total)
    // Bounds make it cheap enough.
    const bounded = (items: object): object => ({ type: 'array', maxItems: 5, items })
    const small = bounded(bounded(bounded({ type: 'string', maxLength: 9 })))
    const cheap = foos(specified({ ...small, 'x-kubernetes-validations': [{ rule }] }))
    ;(await t.post(CRD, cheap, { query: { dryRun: 'All' } })).is(201)
    const old = specified({
      type: 'array',
      maxItems: 5,
      items: {
        type: 'object',
        properties: { a: { type: 'string', maxLength: 9 } },
        'x-kubernetes-validations': [{ rule: 'self.a == oldSelf.a' }],
      },
    })
    await refused(
      old,
      invalid(
        `${RULE}.items.x-kubernetes-validations[0].rule`,
        `Invalid value: "self.a == oldSelf.a": oldSelf cannot be used on the uncorrelatable portion of the schema within ${RULE}`,
      ),
    )
  })
})
