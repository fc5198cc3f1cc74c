import { isRecord } from '../objects/object.ts'

/** How a value is written; names with a capital are those of {@link messages}. */
type Shape =
  | 'text'
  | 'truth'
  | 'whole'
  | 'real'
  /** Any JSON, as a text of YAML. */
  | 'json'
  | (string & {})

interface Field {
  readonly number: number
  readonly shape: Shape
  readonly repeated: boolean
}

interface Message {
  readonly fields: ReadonlyMap<string, Field>
  /** Number of the field for keys that begin with `x-`. */
  readonly extensions: number | undefined
  /** Set when the message is a map: number of its entries and the shape of their values. */
  readonly entries: Field | undefined
}

/** Notation: `name=number shape`, repeated ones with `*`; `x-=number` for extensions, `{}=number shape` for maps. */
function message(notation: string): Message {
  const fields = new Map<string, Field>()
  let extensions: number | undefined
  let entries: Field | undefined
  for (const part of notation.split(', ')) {
    const [name = '', rest = ''] = part.split('=')
    const [number = '', shape = ''] = rest.split(' ')
    const repeated = shape.endsWith('*')
    const field = { number: Number(number), shape: repeated ? shape.slice(0, -1) : shape, repeated }
    if (name === 'x-') extensions = field.number
    else if (name === '{}') entries = field
    else fields.set(name, field)
  }
  return { fields, extensions, entries }
}

/** Messages of the protobuf form of OpenAPI version 2, as far as {@link toVersion2} makes them. */
const messages: Readonly<Record<string, Message>> = {
  Document: message('swagger=1 text, info=2 Info, paths=8 Paths, definitions=9 Schemas'),
  Info: message('title=1 text, version=2 text'),
  Paths: message('{}=2 PathItem'),
  Schemas: message('{}=1 Schema'),
  PathItem: message(
    'get=2 Operation, put=3 Operation, post=4 Operation, delete=5 Operation, patch=8 Operation, parameters=9 Parameter*',
  ),
  Operation: message(
    'description=3 text, produces=6 text*, consumes=7 text*, parameters=8 Parameter*, responses=9 Responses, x-=13',
  ),
  BodyParameter: message('name=2 text, in=3 text, required=4 truth, schema=5 Schema'),
  QueryParameter: message('in=2 text, name=4 text, type=6 text, uniqueItems=20 truth'),
  PathParameter: message('required=1 truth, in=2 text, name=4 text, type=5 text, uniqueItems=19 truth'),
  Responses: message('{}=1 ResponseValue'),
  ResponseValue: message('response=1 Response'),
  Response: message('description=1 text, schema=2 SchemaItem'),
  SchemaItem: message('schema=1 Schema'),
  Schema: message(
    '$ref=1 text, format=2 text, title=3 text, description=4 text, default=5 json, multipleOf=6 real, maximum=7 real, ' +
      'exclusiveMaximum=8 truth, minimum=9 real, exclusiveMinimum=10 truth, maxLength=11 whole, minLength=12 whole, ' +
      'pattern=13 text, maxItems=14 whole, minItems=15 whole, uniqueItems=16 truth, maxProperties=17 whole, ' +
      'minProperties=18 whole, required=19 text*, enum=20 json*, additionalProperties=21 Additional, type=22 Types, ' +
      'items=23 SchemaItem, properties=25 Schemas, x-=31',
  ),
  Additional: message('schema=1 Schema, boolean=2 truth'),
  Types: message('value=1 text*'),
  ParameterChoice: message('body=1 BodyParameter, other=2 OtherParameter'),
  ParameterItem: message('parameter=1 ParameterChoice'),
  OtherParameter: message('query=3 QueryParameter, path=4 PathParameter'),
}

/** What JSON has plain where protobuf has a message around it. */
const wrapped: Readonly<Record<string, (value: unknown) => unknown>> = {
  Additional: (value) => (typeof value === 'boolean' ? { boolean: value } : { schema: value }),
  Types: (value) => ({ value: [value] }),
  SchemaItem: (schema) => ({ schema }),
  ResponseValue: (response) => ({ response }),
}

/** A document of OpenAPI version 2 in the form of protobuf, which kubectl before 1.27 cannot do without. */
export function encodeVersion2(document: object): Uint8Array {
  return Buffer.concat(encodeMessage('Document', document))
}

function encodeMessage(name: string, value: unknown): Uint8Array[] {
  if (name === 'Parameter') return encodeMessage('ParameterItem', { parameter: parameterChoice(value) })
  const { fields, extensions, entries } = messages[name]!
  const parts: Uint8Array[] = []
  for (const [key, item] of Object.entries(value as Record<string, unknown>)) {
    if (entries !== undefined) {
      const wrap = wrapped[entries.shape] ?? ((inner: unknown) => inner)
      delimited(parts, entries.number, entry(key, encodeMessage(entries.shape, wrap(item))))
    } else if (extensions !== undefined && key.startsWith('x-')) {
      delimited(parts, extensions, entry(key, json(item)))
    } else {
      const field = fields.get(key)
      if (field !== undefined) encodeField(parts, field, item)
    }
  }
  return parts
}

function parameterChoice(value: unknown): unknown {
  if (!isRecord(value)) return {}
  const place = value['in']
  return place === 'body' ? { body: value } : { other: place === 'path' ? { path: value } : { query: value } }
}

function encodeField(parts: Uint8Array[], { number, shape, repeated }: Field, value: unknown): void {
  for (const item of repeated ? (value as unknown[]) : [value]) {
    if (shape === 'text') delimited(parts, number, [Buffer.from(String(item))])
    else if (shape === 'truth') parts.push(varint(number * 8), varint(item === true ? 1 : 0))
    else if (shape === 'whole') parts.push(varint(number * 8), varint(item as number))
    else if (shape === 'real') parts.push(varint(number * 8 + 1), double(item as number))
    else if (shape === 'json') delimited(parts, number, json(item))
    else delimited(parts, number, encodeMessage(shape, wrapped[shape]?.(item) ?? item))
  }
}

function entry(key: string, value: readonly Uint8Array[]): Uint8Array[] {
  const parts: Uint8Array[] = []
  delimited(parts, 1, [Buffer.from(key)])
  delimited(parts, 2, value)
  return parts
}

function json(value: unknown): Uint8Array[] {
  const parts: Uint8Array[] = []
  delimited(parts, 2, [Buffer.from(JSON.stringify(value))])
  return parts
}

function delimited(parts: Uint8Array[], number: number, content: readonly Uint8Array[]): void {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  parts.push(varint(number * 8 + 2), varint(length), ...content)
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

function double(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}
