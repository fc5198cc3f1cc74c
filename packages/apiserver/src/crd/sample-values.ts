import type { Json, JsonObject, StructuralSchema } from '@locktender/kube'
import * as fc from 'fast-check'
import { formatCheck } from '../schema/formats.ts'
import { patternMatcher } from '../schema/patterns.ts'
import { isSchema } from '../schema/walk.ts'

/** For tests: thrown where no value could be found that fits. */
export class NoSample extends Error {}

/** A step towards a part of a schema. */
export type SchemaStep = { readonly property: string } | 'entry' | 'item'

/** The key of the one entry that a sample of a map has. */
export const ENTRY = 'key'

/**
 * For tests: the smallest value a schema allows that has everything on the way to the part at `steps`. The same seed
 * gives the same value.
 * @throws NoSample
 */
export function sampleValue(schema: StructuralSchema, seed: number, steps: readonly SchemaStep[] = []): Json {
  const [step, ...rest] = steps
  if (step === undefined && schema.enum !== undefined) return schema.enum[seed % schema.enum.length]!
  if (schema['x-kubernetes-int-or-string'] === true) return sampleNumber({ ...schema, type: 'integer' }, seed)
  switch (schema.type) {
    case 'object':
      return sampleObject(schema, seed, step, rest)
    case 'array':
      return sampleArray(schema, seed, step, rest)
    case 'string':
      return sampleString(schema, seed)
    case 'integer':
    case 'number':
      return sampleNumber(schema, seed)
    case 'boolean':
      return seed % 2 === 0
    default:
      return { any: 'thing' }
  }
}

function sampleObject(
  schema: StructuralSchema,
  seed: number,
  step: SchemaStep | undefined,
  rest: readonly SchemaStep[],
): JsonObject {
  const { properties = {}, required = [], additionalProperties, minProperties = 0 } = schema
  const sample: JsonObject = {}
  if (schema['x-kubernetes-embedded-resource'] === true) {
    Object.assign(sample, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sample' } })
  }
  const wanted = typeof step === 'object' ? step.property : undefined
  for (const name of required) {
    if (name !== wanted && properties[name] !== undefined) sample[name] = sampleValue(properties[name], seed)
  }
  if (wanted !== undefined) sample[wanted] = sampleValue(properties[wanted]!, seed, rest)
  if (step === 'entry' && isSchema(additionalProperties)) {
    sample[ENTRY] = sampleValue(additionalProperties, seed, rest)
  }
  for (const [name, property] of Object.entries(properties)) {
    if (Object.keys(sample).length >= minProperties) break
    sample[name] ??= sampleValue(property, seed)
  }
  for (let index = 0; Object.keys(sample).length < minProperties; index++) {
    if (!isSchema(additionalProperties)) throw new NoSample('too few properties')
    sample[`${ENTRY}${index}`] = sampleValue(additionalProperties, seed)
  }
  return sample
}

function sampleArray(
  { items, minItems = 0 }: StructuralSchema,
  seed: number,
  step: SchemaStep | undefined,
  rest: readonly SchemaStep[],
): Json[] {
  if (items === undefined) return []
  const length = Math.max(minItems, step === undefined ? 0 : 1)
  return Array.from({ length }, (_, index) => sampleValue(items, seed + index, index === 0 ? rest : []))
}

function sampleNumber({ type, minimum, maximum, multipleOf = 1 }: StructuralSchema, seed: number): number {
  const low = minimum ?? Math.min(1, maximum ?? 1)
  const high = maximum ?? low + 1000
  const first = Math.ceil(low / multipleOf) * multipleOf
  const value = first + (seed % 7) * multipleOf
  const fitting = value <= high ? value : first
  return type === 'integer' ? Math.ceil(fitting) : fitting
}

const byFormat: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2026-01-05T08:00:00Z', '2027-02-06T09:01:02Z'],
  date: ['2026-01-05', '2027-02-06'],
  duration: ['1h', '30m'],
  uri: ['https://one.example/a', 'https://two.example/b'],
  byte: ['YWJj', 'ZGVm'],
  hostname: ['one.example', 'two.example'],
  ip: ['192.0.2.1', '192.0.2.2'],
  ipv4: ['192.0.2.1', '192.0.2.2'],
  ipv6: ['2001:db8::1', '2001:db8::2'],
  cidr: ['192.0.2.0/24', '198.51.100.0/24'],
  uuid: ['c56a4180-65aa-42ec-a945-5fd21dec0538', '2f8d6d7e-7c1b-4c1f-9a55-0c3c2a7c7f11'],
}

function sampleString(schema: StructuralSchema, seed: number): string {
  const { format = '', pattern, minLength = 0, maxLength = 1_000_000 } = schema
  const fits = stringTest(schema)
  for (const candidate of [
    ...rotated(byFormat[format] ?? [], seed),
    `${'a'.repeat(Math.max(1, minLength - 1))}${seed % 10}`.slice(0, Math.max(1, maxLength)),
    'one.example',
    'https://one.example',
    '4.20.1',
    '192.0.2.1',
    '10.0.0.0/16',
    '1h',
    '10',
  ]) {
    if (fits(candidate)) return candidate
  }
  if (pattern !== undefined) {
    const found = matching(pattern, seed).find(fits)
    if (found !== undefined) return found
  }
  throw new NoSample(`no text fits ${JSON.stringify(pattern ?? format)}`)
}

/** Whether a text fits the schema of a string. */
function stringTest({
  format,
  pattern,
  minLength = 0,
  maxLength = Infinity,
}: StructuralSchema): (text: string) => boolean {
  const hasFormat = (format === undefined ? undefined : formatCheck(format)) ?? (() => true)
  const matches = pattern === undefined ? () => true : patternMatcher(pattern)
  return (text) => text.length >= minLength && text.length <= maxLength && hasFormat(text) && matches(text)
}

function rotated(values: readonly string[], by: number): string[] {
  return values.map((_, index) => values[(index + by) % values.length]!)
}

const generated = new Map<string, string[]>()

/** Some texts that match a pattern; none when it is not one of this language. */
function matching(pattern: string, seed: number): string[] {
  let texts = generated.get(pattern)
  if (texts === undefined) {
    try {
      const readable = /\\p\{|\[:/.test(pattern) ? pattern.replace(/\\p\{[A-Z]\}/g, 'a') : pattern
      const source = readable.startsWith('^') || readable.startsWith('(^') ? readable : `^${readable}`
      const text = fc.stringMatching(new RegExp(source))
      texts = fc.sample(text, { seed: 7, numRuns: 200 })
    } catch {
      texts = []
    }
    // Short texts first: they break the fewest other rules.
    texts.sort((left, right) => left.length - right.length || (left < right ? -1 : 1))
    generated.set(pattern, texts)
  }
  const fitting = texts.filter((text) => text !== '')
  return rotated(fitting, seed % Math.max(1, Math.min(3, fitting.length)))
}
