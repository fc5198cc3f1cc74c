import { tests } from '@bufbuild/cel-spec/testdata/conformance.js'
import { describe, expect, test } from 'vitest'
import { compile } from './compile.ts'
import { CelEvaluationError } from './errors.ts'
import { equals } from './equality.ts'
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

function run(spec: SpecTest): void {
  const variables: Record<string, CelType> = {}
  for (const { name, ident } of spec.typeEnv ?? []) variables[name] = specType(ident!.type)!
  const bindings: Record<string, CelValue> = {}
  for (const [name, { value }] of Object.entries(spec.bindings ?? {})) bindings[name] = specValue(value)!
  const result = compile(spec.expr, { variables, container: spec.container ?? '', dialect: 'standard' })
  if (!result.ok) {
    expect(spec.evalError, result.text).toBeDefined()
    return
  }
  const deduced = spec.typedResult?.deducedType
  if (deduced !== undefined) expect(formatType(result.type)).toBe(formatType(specType(deduced)!))
  if (spec.checkOnly === true) return
  if (spec.evalError !== undefined) {
    expect(() => result.program.evaluate(bindings)).toThrow(CelEvaluationError)
    return
  }
  const expected = specValue(spec.value ?? spec.typedResult?.result ?? { boolValue: true })!
  const { value } = result.program.evaluate(bindings)
  expect(typeof value).toBe(typeof expected)
  if (Number.isNaN(expected)) expect(value).toBeNaN()
  else expect(equals(value, expected), `${String(value)} should equal ${String(expected)}`).toBe(true)
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

function skipReason(entry: SuiteTest, path: string): string | undefined {
  const spec = entry.original as SpecTest
  if (DIFFERENT[path] !== undefined) return DIFFERENT[path]
  if (isAboutMessages(spec)) return 'protobuf messages'
  const unchecked = spec.disableCheck === true && entry.checkedAst === undefined && spec.evalError === undefined
  return unchecked ? 'evaluation of what does not check is not part of Kubernetes' : undefined
}

function register(suite: Suite, path: string): void {
  for (const [index, entry] of (suite.tests ?? []).entries()) {
    const spec = entry.original as SpecTest
    const name = spec.name ?? String(index)
    const reason = skipReason(entry, `${path}/${name}`)
    test.skipIf(reason !== undefined)(reason === undefined ? name : `${name} (${reason})`, () => {
      run(spec)
    })
  }
  for (const inner of suite.suites ?? []) {
    describe(inner.name, () => {
      register(inner, `${path}/${inner.name}`)
    })
  }
}

for (const file of (tests as Suite).suites ?? []) {
  const reason = OTHER_FILES[file.name]
  if (reason === undefined) {
    describe(file.name, () => {
      register(file, file.name)
    })
  } else {
    test.skip(`${file.name} (${reason})`, () => {})
  }
}
