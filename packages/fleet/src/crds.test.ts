import type { StructuralSchema } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { crds } from './crds.ts'
import { hypershiftCrds } from './hypershift-crds.ts'

interface Node {
  readonly path: string
  readonly schema: StructuralSchema
}

function* walk(schema: StructuralSchema, path: string): Generator<Node> {
  yield { path, schema }
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* walk(child, `${path}.${name}`)
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[]`)
  if (typeof schema.additionalProperties === 'object') yield* walk(schema.additionalProperties, `${path}{}`)
}

function nodesOf(definitions: ReturnType<typeof crds>): Node[] {
  return definitions.flatMap(({ spec }) => [...walk(spec.versions[0]!.schema.openAPIV3Schema, spec.names.kind)])
}

/** Fields of our own kinds, without the metadata every object has. */
const own = nodesOf(crds()).filter(({ path }) => !/^\w+\.(apiVersion|kind|metadata)$/.test(path))
const all = nodesOf([...crds(), ...hypershiftCrds()])

function violations(nodes: readonly Node[], broken: (schema: StructuralSchema) => boolean): string[] {
  return nodes.filter(({ schema }) => broken(schema)).map(({ path }) => path)
}

describe('the schemas', () => {
  test('describe every field', () => {
    const found = violations(all, ({ description }) => description === undefined || !/^\S.*[.:]$/s.test(description))
    // Of metadata a definition must not say more than that it is there.
    expect(found.filter((path) => !path.endsWith('.metadata'))).toEqual([])
  })

  test('are structural: a type everywhere, and either named or free fields', () => {
    expect(violations(all, ({ type }) => type === undefined)).toEqual([])
    expect(
      violations(all, (schema) => schema.properties !== undefined && schema.additionalProperties !== undefined),
    ).toEqual([])
    expect(violations(all, ({ type, items }) => (type === 'array') !== (items !== undefined))).toEqual([])
  })

  test('bound every size', () => {
    expect(
      violations(
        own,
        (schema) => schema.type === 'string' && schema.enum === undefined && schema.maxLength === undefined,
      ),
    ).toEqual([])
    expect(violations(own, ({ type, maxItems }) => type === 'array' && maxItems === undefined)).toEqual([])
    expect(
      violations(own, (schema) => schema.additionalProperties !== undefined && schema.maxProperties === undefined),
    ).toEqual([])
    expect(
      violations(
        own,
        ({ type, minimum, maximum }) => type === 'integer' && (minimum === undefined || maximum === undefined),
      ),
    ).toEqual([])
  })

  test('have no floating point numbers', () => {
    expect(violations(all, ({ type }) => type === 'number')).toEqual([])
  })

  test('have patterns that compile', () => {
    const patterns = all.flatMap(({ schema }) => schema.pattern ?? [])
    expect(patterns.length).toBeGreaterThan(50)
    for (const pattern of patterns) expect(() => new RegExp(pattern, 'u')).not.toThrow()
  })

  test('require only fields they have, and no field that has a default', () => {
    expect(
      violations(all, ({ required = [], properties = {} }) =>
        required.some((name) => properties[name] === undefined || properties[name].default !== undefined),
      ),
    ).toEqual([])
  })

  test('key lists by required fields of few words', () => {
    const lists = all.filter(({ schema }) => schema['x-kubernetes-list-type'] === 'map')
    expect(lists.length).toBeGreaterThan(5)
    const broken = violations(lists, (schema) =>
      schema['x-kubernetes-list-map-keys']!.some((key) => schema.items?.required?.includes(key) !== true),
    )
    expect(broken).toEqual([])
  })
})

describe('the definitions', () => {
  test('end their columns with Age, and have no column twice', () => {
    for (const { spec } of [...crds(), ...hypershiftCrds()]) {
      const names = spec.versions[0]!.additionalPrinterColumns.map(({ name }) => name)
      expect(names.at(-1)).toBe('Age')
      expect(new Set(names).size).toBe(names.length)
    }
  })

  test('have columns that point to declared fields', () => {
    const dangling: string[] = []
    for (const { spec } of crds()) {
      const { schema, additionalPrinterColumns } = spec.versions[0]!
      for (const { jsonPath } of additionalPrinterColumns) {
        if (!isDeclared(schema.openAPIV3Schema, jsonPath)) dangling.push(`${spec.names.kind} ${jsonPath}`)
      }
    }
    expect(dangling).toEqual([])
  })

  test('have short names of their own', () => {
    const names = [...crds(), ...hypershiftCrds()].flatMap(({ spec }) => [
      spec.names.plural,
      spec.names.singular,
      ...spec.names.shortNames,
    ])
    expect(new Set(names).size).toBe(names.length)
  })
})

function isDeclared(schema: StructuralSchema, jsonPath: string): boolean {
  const steps = jsonPath
    .replaceAll(/\[[^\]]*\]/g, '.[]')
    .split('.')
    .slice(1)
  let node: StructuralSchema | undefined = schema
  for (const [position, step] of steps.entries()) {
    if (position === 0 && step === 'metadata') return true
    node = step === '[]' ? node?.items : node?.properties?.[step]
  }
  return node !== undefined
}
