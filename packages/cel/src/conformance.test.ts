import { tests } from '@bufbuild/cel-spec/testdata/conformance.js'
import { expect, test } from 'vitest'
import { compile } from './compile.ts'
import { equals } from './equality.ts'
import { CelEvaluationError } from './errors.ts'
import type { Program } from './program.ts'
import { specType, specValue } from './testing/spec-values.ts'
import type { SpecJson } from './testing/spec-values.ts'
import { formatType } from './types.ts'
import type { CelType } from './types.ts'
import type { CelValue } from './values.ts'

interface SpecTest {
  readonly name?: string
  readonly expr: string
  readonly value?: SpecJson
  readonly evalError?: unknown
  readonly typedResult?: { readonly deducedType?: SpecJson; readonly result?: SpecJson }
  readonly typeEnv?: readonly { readonly name: string; readonly ident?: { readonly type: SpecJson } }[]
  readonly bindings?: Readonly<Record<string, { readonly value: SpecJson }>>
  readonly container?: string
  readonly disableCheck?: boolean
  readonly checkOnly?: boolean
}

/** Files that are about something Kubernetes does not have. */
const OTHER_FILES: Readonly<Record<string, string>> = {
  bindings_ext: 'cel.bind is not part of Kubernetes',
  block_ext: 'cel.block is not part of Kubernetes',
  dynamic: 'protobuf messages',
  encoders_ext: 'base64 functions are not part of Kubernetes',
  enums: 'protobuf enumerations',
  math_ext: 'math functions are not part of Kubernetes',
  proto2: 'protobuf messages',
  proto2_ext: 'protobuf extensions',
  proto3: 'protobuf messages',
  unknowns: 'partial evaluation is not part of Kubernetes',
  wrappers: 'protobuf messages',
}

/** Where Kubernetes, through cel-go, knowingly differs from the specification, and we follow Kubernetes. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'string_ext/value_errors/indexof_out_of_range': 'an offset behind the end finds nothing',
  'string_ext/value_errors/lastindexof_out_of_range': 'an offset behind the end finds nothing',
  'timestamps/duration_converters/get_milliseconds': 'all milliseconds of the duration count',
}

const MESSAGES =
  /TestAllTypes|TestRequired|NestedTestAllTypes|google\.protobuf\.(?!Timestamp\b(?!\s*\{)|Duration\b(?!\s*\{))/

function isAboutMessages(spec: SpecTest): boolean {
  return (
    MESSAGES.test(spec.expr) ||
    (spec.typeEnv ?? []).some(({ ident }) => ident === undefined || specType(ident.type) === undefined) ||
    Object.values(spec.bindings ?? {}).some(({ value }) => specValue(value) === undefined) ||
    (spec.value !== undefined && specValue(spec.value) === undefined)
  )
}

const asSpecified = 'as specified'

/** What comes of a test: that it is as specified, or what is different. */
function outcome(spec: SpecTest): string {
  const variables: Record<string, CelType> = {}
  for (const { name, ident } of spec.typeEnv ?? []) variables[name] = specType(ident!.type)!
  const bindings: Record<string, CelValue> = {}
  for (const [name, { value }] of Object.entries(spec.bindings ?? {})) bindings[name] = specValue(value)!
  const result = compile(spec.expr, { variables, container: spec.container ?? '', dialect: 'standard' })
  if (!result.ok) return spec.evalError === undefined ? result.text : asSpecified
  const deduced = spec.typedResult?.deducedType
  const type = deduced === undefined ? undefined : formatType(specType(deduced)!)
  if (type !== undefined && type !== formatType(result.type)) return `type ${formatType(result.type)} is not ${type}`
  return spec.checkOnly === true ? asSpecified : evaluated(result.program, bindings, spec)
}

function evaluated(program: Program, bindings: Record<string, CelValue>, spec: SpecTest): string {
  try {
    const { value } = program.evaluate(bindings)
    if (spec.evalError !== undefined) return 'there is a value where there should be an error'
    const expected = specValue(spec.value ?? spec.typedResult?.result ?? { boolValue: true })!
    return isSame(value, expected) ? asSpecified : `a ${typeof value} that is not the expected ${typeof expected}`
  } catch (error) {
    if (!(error instanceof CelEvaluationError)) throw error
    return spec.evalError === undefined ? error.message : asSpecified
  }
}

function isSame(value: CelValue, expected: CelValue): boolean {
  return typeof value === typeof expected && (Object.is(value, expected) || equals(value, expected))
}

interface Suite {
  readonly name: string
  readonly suites?: readonly Suite[]
  readonly tests?: readonly SuiteTest[]
}

interface SuiteTest {
  readonly original: unknown
  /** What cel-go's checker made of it; absent when it refused the expression. */
  readonly checkedAst?: string
}

interface Case {
  readonly path: string
  readonly spec: SpecTest
  /** Why the test does not apply. */
  readonly reason: string | undefined
}

function skipReason(entry: SuiteTest, path: string): string | undefined {
  const spec = entry.original as SpecTest
  const known = OTHER_FILES[path.split('/', 1)[0]!] ?? DIFFERENT[path]
  if (known !== undefined) return known
  if (isAboutMessages(spec)) return 'protobuf messages'
  const unchecked = spec.disableCheck === true && entry.checkedAst === undefined && spec.evalError === undefined
  return unchecked ? 'evaluation of what does not check is not part of Kubernetes' : undefined
}

function casesOf(suite: Suite, prefix: string): Case[] {
  return [
    ...(suite.tests ?? []).map((entry, index) => {
      const spec = entry.original as SpecTest
      const path = `${prefix}${spec.name ?? index}`
      return { path, spec, reason: skipReason(entry, path) }
    }),
    ...(suite.suites ?? []).flatMap((inner) => casesOf(inner, `${prefix}${inner.name}/`)),
  ]
}

const all = casesOf(tests as Suite, '')

test.each(all.filter(({ reason }) => reason === undefined))('$path', ({ spec }) => {
  expect(outcome(spec)).toBe(asSpecified)
})

test('leaves out only what does not apply', () => {
  const counts: Record<string, number> = {}
  for (const { reason } of all) if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1
  expect(counts).toEqual({
    'all milliseconds of the duration count': 1,
    'an offset behind the end finds nothing': 2,
    'base64 functions are not part of Kubernetes': 4,
    'cel.bind is not part of Kubernetes': 5,
    'cel.block is not part of Kubernetes': 37,
    'evaluation of what does not check is not part of Kubernetes': 28,
    'math functions are not part of Kubernetes': 199,
    'protobuf enumerations': 85,
    'protobuf extensions': 18,
    'protobuf messages': 583,
  })
})
