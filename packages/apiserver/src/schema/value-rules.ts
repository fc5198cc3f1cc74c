import {
  deepEqual,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
  fieldTypeInvalid,
} from '@locktender/kube'
import type { Json, StructuralSchema } from '@locktender/kube'
import type { Check, Failure } from './failure.ts'
import { failure, noPath } from './failure.ts'
import { formatCheck } from './formats.ts'
import { patternMatcher } from './patterns.ts'
import { compileWalk } from './walk.ts'

/** The rules of the OpenAPI subset at one node: types, bounds, formats, enumerations and combinations of rules. */
export function valueRules(schema: StructuralSchema): Check | undefined {
  const always: Check[] = []
  const strings: Check[] = []
  const numbers: Check[] = []
  const arrays: Check[] = []
  const objects: Check[] = []
  addTypeRule(schema, always)
  addEnumRule(schema, always)
  const forNull = [...always]
  addStringRules(schema, strings)
  addNumberRules(schema, numbers)
  addArrayRules(schema, arrays)
  addObjectRules(schema, objects)
  addCombinations(schema, always)
  const any = [always, strings, numbers, arrays, objects].some((rules) => rules.length > 0)
  if (!any) return undefined

  return (value) => {
    if (value === null) return run(forNull, value, undefined)
    const failures = run(always, value, undefined)
    switch (typeof value) {
      case 'string':
        return run(strings, value, failures)
      case 'number':
        return run(numbers, value, failures)
      case 'object':
        return run(Array.isArray(value) ? arrays : objects, value, failures)
      default:
        return failures
    }
  }
}

function run(checks: readonly Check[], value: Json, known: Failure[] | undefined): Failure[] | undefined {
  let failures = known
  for (let index = 0; index < checks.length; index++) {
    const found = checks[index]!(value)
    if (found === undefined) continue
    if (failures === undefined) failures = found
    else failures.push(...found)
  }
  return failures
}

function fail(describe: Failure['describe']): Failure[] {
  return [failure(describe)]
}

function broken(value: Json, why: string): Failure[] {
  return fail((path) => fieldInvalid(path, value, `${path} in body ${why}`))
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

const goNumbers: Readonly<Record<string, string>> = { integer: 'int64', number: 'float64' }

function addTypeRule(schema: StructuralSchema, rules: Check[]): void {
  const wanted = schema['x-kubernetes-int-or-string'] === true ? 'integer,string' : schema.type
  if (wanted === undefined) return
  const nullable = schema.nullable === true
  const accepts = new Set(wanted.split(','))
  const { format } = schema
  const formatted = wanted === 'string' && format !== undefined && formatCheck(format) !== undefined
  if (accepts.has('number')) accepts.add('integer')
  if (nullable) accepts.add('null')
  rules.push((value) => {
    const actual = typeOf(value)
    if (accepts.has(actual)) return undefined
    // A value that cannot have the format at all is shown by its type in Go, if it is a number, or not at all.
    const formatWanted = formatted && value !== null && !Array.isArray(value)
    const shown = formatWanted ? (goNumbers[actual] ?? '') : actual
    return fail((path) =>
      fieldTypeInvalid(
        path,
        shown,
        `${path} in body must be of type ${formatWanted ? format : wanted}: ${JSON.stringify(shown)}`,
      ),
    )
  })
}

function addEnumRule(schema: StructuralSchema, rules: Check[]): void {
  const allowed = schema.enum
  if (allowed === undefined) return
  const words = allowed.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  const scalars = new Set<Json>(allowed.filter((value) => typeof value !== 'object' || value === null))
  const composites = allowed.filter((value) => typeof value === 'object' && value !== null)
  rules.push((value) => {
    if (scalars.has(value) || composites.some((composite) => deepEqual(composite, value))) return undefined
    return fail((path) => fieldNotSupported(path, value, words))
  })
}

function addStringRules(schema: StructuralSchema, rules: Check[]): void {
  const { maxLength, minLength, pattern, format } = schema
  if (maxLength !== undefined) {
    rules.push((value) =>
      longerThan(value as string, maxLength) ? fail((path) => fieldTooLong(path, maxLength)) : undefined,
    )
  }
  if (minLength !== undefined && minLength > 0) {
    rules.push((value) =>
      longerThan(value as string, minLength - 1)
        ? undefined
        : broken(value, `should be at least ${minLength} chars long`),
    )
  }
  if (pattern !== undefined) {
    const matches = patternMatcher(pattern)
    rules.push((value) => (matches(value as string) ? undefined : broken(value, `should match '${pattern}'`)))
  }
  const check = format === undefined ? undefined : formatCheck(format)
  if (check !== undefined) {
    rules.push((value) =>
      check(value as string)
        ? undefined
        : fail((path) =>
            fieldTypeInvalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`),
          ),
    )
  }
}

/** Whether `text` has more than `limit` characters; a pair of surrogates is one. */
function longerThan(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  if (text.length > limit * 2) return true
  let count = 0
  for (const _ of text) if (++count > limit) return true
  return false
}

function addNumberRules(schema: StructuralSchema, rules: Check[]): void {
  const { minimum, maximum, multipleOf } = schema
  if (maximum !== undefined) {
    const exclusive = schema.exclusiveMaximum === true
    const why = exclusive ? `should be less than ${maximum}` : `should be less than or equal to ${maximum}`
    rules.push((value) =>
      (value as number) > maximum || (exclusive && value === maximum) ? broken(value, why) : undefined,
    )
  }
  if (minimum !== undefined) {
    const exclusive = schema.exclusiveMinimum === true
    const why = exclusive ? `should be greater than ${minimum}` : `should be greater than or equal to ${minimum}`
    rules.push((value) =>
      (value as number) < minimum || (exclusive && value === minimum) ? broken(value, why) : undefined,
    )
  }
  if (multipleOf !== undefined) {
    rules.push((value) => {
      const quotient = (value as number) / multipleOf
      // Decimal fractions such as 0.1 are not exact, so neither is the quotient.
      const whole = Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient))
      return whole ? undefined : broken(value, `should be a multiple of ${multipleOf}`)
    })
  }
}

function addArrayRules(schema: StructuralSchema, rules: Check[]): void {
  const { minItems, maxItems } = schema
  if (minItems !== undefined) {
    rules.push((value) => {
      const { length } = value as Json[]
      return length < minItems ? broken(length, `should have at least ${minItems} items`) : undefined
    })
  }
  if (maxItems !== undefined) {
    rules.push((value) => {
      const { length } = value as Json[]
      return length > maxItems ? fail((path) => fieldTooMany(path, length, maxItems)) : undefined
    })
  }
}

function addObjectRules(schema: StructuralSchema, rules: Check[]): void {
  const { required = [], minProperties, maxProperties } = schema
  if (minProperties !== undefined) {
    rules.push((value) => {
      const { length } = Object.keys(value as object)
      return length < minProperties ? broken(length, `should have at least ${minProperties} properties`) : undefined
    })
  }
  if (maxProperties !== undefined) {
    rules.push((value) => {
      const { length } = Object.keys(value as object)
      return length > maxProperties ? fail((path) => fieldTooMany(path, length, maxProperties)) : undefined
    })
  }
  if (required.length > 0) {
    rules.push((value) => {
      let failures: Failure[] | undefined
      for (const name of required) {
        if (Object.hasOwn(value as object, name)) continue
        failures ??= []
        failures.push(failure((path) => fieldRequired(path), name))
      }
      return failures
    })
  }
}

function addCombinations(schema: StructuralSchema, rules: Check[]): void {
  const { allOf, anyOf, oneOf, not } = schema
  if (anyOf !== undefined) {
    const checks = anyOf.map(nested)
    rules.push((value) => {
      const attempts = checks.map((check) => check(value))
      if (attempts.includes(undefined)) return undefined
      return [...combination('must validate at least one schema (anyOf)'), ...nearest(attempts)]
    })
  }
  if (oneOf !== undefined) {
    const checks = oneOf.map(nested)
    rules.push((value) => {
      const attempts = checks.map((check) => check(value))
      const valid = attempts.filter((attempt) => attempt === undefined).length
      if (valid === 1) return undefined
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`
      const failures = combination(`must validate one and only one schema (oneOf). ${found}`)
      return valid === 0 ? [...failures, ...nearest(attempts)] : failures
    })
  }
  if (allOf !== undefined) {
    const checks = allOf.map(nested)
    rules.push((value) => {
      const found = checks.map((check) => check(value)).filter((attempt) => attempt !== undefined)
      if (found.length === 0) return undefined
      const none = found.length === checks.length ? '. None validated' : ''
      return [...found.flat(), ...combination(`must validate all the schemas (allOf)${none}`)]
    })
  }
  if (not !== undefined) {
    const check = nested(not)
    rules.push((value) => (check(value) === undefined ? combination('must not validate the schema (not)') : undefined))
  }
}

function nested(schema: StructuralSchema): Check {
  return compileWalk(schema, valueRules) ?? (() => undefined)
}

function combination(why: string): Failure[] {
  return fail((path) => fieldInvalid(noPath, '', `${JSON.stringify(path)} ${why}`))
}

/** What the alternative that came closest complains about. */
function nearest(attempts: readonly (Failure[] | undefined)[]): Failure[] {
  let best: Failure[] | undefined
  for (const attempt of attempts) {
    if (attempt !== undefined && (best === undefined || attempt.length < best.length)) best = attempt
  }
  return best ?? []
}
