import { fieldInvalid, isObject } from '@locktender/kube'
import type { FieldError, Json, StructuralSchema } from '@locktender/kube'
import { compileValidation } from './compile.ts'
import { compilePrune } from './prune.ts'

/** Checks one default by the rules of its node; `isResource` marks a whole Kubernetes object. */
export type RuleCheck = (schema: StructuralSchema, isResource: boolean, value: Json, path: string) => FieldError[]

const metaFields: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion'])

/**
 * Whether each default of a schema is a value the schema allows, without fields it does not know. The schema must be
 * structural.
 */
export function validateDefaults(schema: StructuralSchema, path: string, checkRules: RuleCheck): FieldError[] {
  const errors: FieldError[] = []
  checkNode(schema, path, undefined, { isResource: true, checkRules, errors })
  return errors
}

interface Checking {
  readonly isResource: boolean
  readonly checkRules: RuleCheck
  readonly errors: FieldError[]
}

/** An embedded object that a default of its metadata lands in. */
interface Surroundings {
  readonly schema: StructuralSchema
  /** From the object to the node. */
  readonly steps: readonly (string | number)[]
}

function checkNode(schema: StructuralSchema, path: string, inMeta: Surroundings | undefined, checking: Checking): void {
  const isResource = checking.isResource || schema['x-kubernetes-embedded-resource'] === true
  if (schema.default !== undefined && schema.default !== null) {
    checkDefault(schema, schema.default, `${path}.default`, inMeta, { ...checking, isResource })
  }
  const inner: Checking = { ...checking, isResource: false }
  if (schema.items !== undefined) {
    checkNode(schema.items, `${path}.items`, inMeta && { ...inMeta, steps: [...inMeta.steps, 0] }, inner)
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const around =
      isResource && metaFields.has(name)
        ? { schema, steps: [name] }
        : inMeta && !isResource
          ? { ...inMeta, steps: [...inMeta.steps, name] }
          : undefined
    checkNode(property, `${path}.properties[${name}]`, around, inner)
  }
}

function checkDefault(
  schema: StructuralSchema,
  value: Json,
  path: string,
  inMeta: Surroundings | undefined,
  { isResource, checkRules, errors }: Checking,
): void {
  if (inMeta !== undefined) {
    const wrong = checkInMetadata(inMeta, value)
    if (wrong !== undefined) {
      errors.push(fieldInvalid(path, value, `must result in valid metadata: ${wrong}`))
      return
    }
  } else if (compilePrune(schema, false)?.(value) !== undefined) {
    errors.push(fieldInvalid(path, value, 'must not have unknown fields'))
  }
  const found = compileValidation(schema)(value, path)
  errors.push(...(found.length > 0 ? found : checkRules(schema, isResource, value, path)))
}

/** What is wrong with an otherwise complete object of which the default becomes a part. */
function checkInMetadata({ schema, steps }: Surroundings, value: Json): string | undefined {
  let part = value
  for (const step of steps.toReversed()) part = typeof step === 'number' ? [part] : { [step]: part }
  const object = { apiVersion: 'validation/v1', kind: 'Validation', ...(isObject(part) ? part : {}) }
  const properties = { 'x-kubernetes-embedded-resource': true } as const
  const [error] = compileValidation({ type: schema.type ?? 'object', ...properties })(object, '')
  return error === undefined ? undefined : `${error.field}: ${error.message}`
}
