import { describedMessage } from './descriptions.ts'
import { messageOf } from './field-table.ts'
import type { Field, Message, Scalar } from './field-table.ts'
import { containerSchema, mergeRules, scalarSchemas } from './structural.ts'

/** A schema as OpenAPI documents hold it, with references to others. */
export type Component = Readonly<Record<string, unknown>>

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** The name under which Kubernetes publishes the schema of a message: `io.k8s.api.core.v1.PodSpec`. */
export function componentName(message: string): string {
  const [file = '', own = ''] = message.split('.')
  const dotted = file.replace('/', '.')
  if (file === 'meta/v1') return `${META}.${own}`
  if (file === 'apiextensions/v1') return `io.k8s.apiextensions-apiserver.pkg.apis.${dotted}.${own}`
  return `io.k8s.api.${dotted}.${own}`
}

export function reference(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` }
}

/** Types that have a component of their own although they are no messages of fields. */
const NAMED: Readonly<Partial<Record<Scalar, readonly [name: string, schema: Component]>>> = {
  Time: [`${META}.Time`, { type: 'string', format: 'date-time' }],
  MicroTime: [`${META}.MicroTime`, { type: 'string', format: 'date-time' }],
  Duration: [`${META}.Duration`, { type: 'string' }],
  FieldsV1: [`${META}.FieldsV1`, { type: 'object' }],
  Quantity: ['io.k8s.apimachinery.pkg.api.resource.Quantity', { oneOf: [{ type: 'string' }, { type: 'number' }] }],
  IntOrString: [
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  ],
  RawExtension: ['io.k8s.apimachinery.pkg.runtime.RawExtension', { type: 'object' }],
  JSON: [componentName('apiextensions/v1.JSON'), {}],
  JSONSchemaPropsOrBool: [componentName('apiextensions/v1.JSONSchemaPropsOrBool'), {}],
  JSONSchemaPropsOrArray: [componentName('apiextensions/v1.JSONSchemaPropsOrArray'), {}],
  JSONSchemaPropsOrStringArray: [componentName('apiextensions/v1.JSONSchemaPropsOrStringArray'), {}],
}

/** Adds the schemas of a message, and of everything it refers to, under their names. */
export function addComponents(message: Message, components: Record<string, Component>): string {
  const name = componentName(message.name)
  if (Object.hasOwn(components, name)) return name
  const described = describedMessage(message.name)
  const properties: Record<string, Component> = {}
  const schema: Record<string, unknown> = { type: 'object' }
  // Named before its parts, which may refer back to it.
  components[name] = schema
  if (described !== undefined) schema['description'] = described.description
  for (const [field, declaration] of message.fields) {
    const description = described?.fields[field]
    properties[field] = {
      ...(description === undefined ? {} : { description }),
      ...fieldComponent(declaration, components),
    }
  }
  if (message.kind) Object.assign(properties, TYPE_META)
  const required = [...message.fields.values()].filter((field) => field.required).map((field) => field.name)
  if (required.length > 0) schema['required'] = required
  schema['properties'] = properties
  if (message.atomic) schema['x-kubernetes-map-type'] = 'atomic'
  return name
}

/** What every object that stands on its own begins with. */
export const TYPE_META = {
  apiVersion: {
    type: 'string',
    description: 'Version of the schema of this object. Servers convert to the newest one and may refuse unknown ones.',
  },
  kind: { type: 'string', description: 'The kind of this object, in CamelCase. It cannot be changed.' },
} as const

function fieldComponent(field: Field, components: Record<string, Component>): Component {
  return { ...containerSchema(field, valueComponent(field, components)), ...mergeRules(field) }
}

function valueComponent(field: Field, components: Record<string, Component>): Component {
  const { message, scalar, values, shape } = field
  if (message !== undefined) return { allOf: [reference(addComponents(message, components))], ...unset(shape, {}) }
  const named = NAMED[scalar!]
  if (named !== undefined) {
    components[named[0]] ??= named[1]
    return { allOf: [reference(named[0])] }
  }
  return {
    ...scalarSchemas[scalar!],
    ...(values === undefined ? {} : { enum: [...values] }),
    ...unset(shape, ZEROS[scalar!]),
  }
}

const ZEROS: Readonly<Record<string, unknown>> = { string: '', int32: 0, int64: 0, bool: false, double: 0 }

/** Items of lists and maps are empty when they are null. */
function unset(shape: Field['shape'], empty: unknown): Component {
  return shape === 'single' || empty === undefined ? {} : { default: empty }
}

/** Adds what all documents refer to: metadata of objects and of lists. */
export function addMetadataComponents(components: Record<string, Component>): void {
  addComponents(messageOf('meta/v1.ObjectMeta'), components)
  addComponents(messageOf('meta/v1.ListMeta'), components)
}

export const OBJECT_META = componentName('meta/v1.ObjectMeta')
export const LIST_META = componentName('meta/v1.ListMeta')
