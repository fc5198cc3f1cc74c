import { readFileSync } from 'node:fs'
import { parseDeclarations, parseField } from './notation.ts'
import type { Declaration, FieldDeclaration } from './notation.ts'

/** Types that are no messages, and messages whose JSON form is not an object of their fields. */
const SCALARS = [
  'string',
  'bool',
  'int32',
  'int64',
  'double',
  'bytes',
  'Time',
  'MicroTime',
  'Duration',
  'Quantity',
  'IntOrString',
  'FieldsV1',
  'RawExtension',
  'JSON',
  'JSONSchemaPropsOrBool',
  'JSONSchemaPropsOrArray',
  'JSONSchemaPropsOrStringArray',
] as const

export type Scalar = (typeof SCALARS)[number]

const scalars: ReadonlySet<string> = new Set(SCALARS)

/** One field of a message; see notation.ts for what the parts mean. */
export interface Field extends Omit<FieldDeclaration, 'type'> {
  readonly scalar: Scalar | undefined
  /** Values of an enumeration; such fields are strings. */
  readonly values: readonly string[] | undefined
  /** The message of the field; its own for messages, for lists that of the items, for maps that of the values. */
  readonly message: Message | undefined
}

/** What an object of some type looks like. */
export interface Message {
  /** `core/v1.PodSpec` */
  readonly name: string
  /** Whether it stands on its own, with apiVersion and kind. */
  readonly kind: boolean
  readonly atomic: boolean
  /** By JSON name, those of inline messages included. */
  readonly fields: ReadonlyMap<string, Field>
  /** By protobuf number, inline messages as themselves. */
  readonly numbers: ReadonlyMap<number, Field>
}

/** Files of the API versions; those of built-in kinds that are not listed here have none. */
const FILES: Readonly<Record<string, string>> = {
  v1: 'core/v1',
  'admissionregistration.k8s.io/v1': 'admissionregistration/v1',
  'apiextensions.k8s.io/v1': 'apiextensions/v1',
  'apps/v1': 'apps/v1',
  'authentication.k8s.io/v1': 'authentication/v1',
  'authorization.k8s.io/v1': 'authorization/v1',
  'autoscaling/v1': 'autoscaling/v1',
  'autoscaling/v2': 'autoscaling/v2',
  'batch/v1': 'batch/v1',
  'certificates.k8s.io/v1': 'certificates/v1',
  'coordination.k8s.io/v1': 'coordination/v1',
  'discovery.k8s.io/v1': 'discovery/v1',
  'events.k8s.io/v1': 'events/v1',
  'networking.k8s.io/v1': 'networking/v1',
  'node.k8s.io/v1': 'node/v1',
  'policy/v1': 'policy/v1',
  'rbac.authorization.k8s.io/v1': 'rbac/v1',
  'scheduling.k8s.io/v1': 'scheduling/v1',
  'storage.k8s.io/v1': 'storage/v1',
}

const declarations = new Map<string, Declaration>()
const messages = new Map<string, Message>()

/**
 * The message of a kind, undefined when it is not built in. Files are read when their first kind is asked for, and
 * messages parsed when they are first used, so that a server that never sees a Pod does not pay for its type.
 */
export function messageOfKind(apiVersion: string, kind: string): Message | undefined {
  // Delete options and statuses come under any group.
  if (kind === 'DeleteOptions' || kind === 'Status') return messageOf(`meta/v1.${kind}`)
  const file = Object.hasOwn(FILES, apiVersion) ? FILES[apiVersion]! : undefined
  if (file === undefined || declarationsOf(file).messages.get(kind)?.kind !== true) return undefined
  return messageOf(`${file}.${kind}`)
}

/** @throws Error when there is no such message */
export function messageOf(name: string): Message {
  let message = messages.get(name)
  if (message === undefined) {
    message = new TableMessage(name)
    messages.set(name, message)
  }
  return message
}

function declarationsOf(file: string): Declaration {
  let declaration = declarations.get(file)
  if (declaration === undefined) {
    const path = new URL(`data/${file.replace('/', '-')}.fields`, import.meta.url)
    declaration = parseDeclarations(readFileSync(path, 'utf8'))
    declarations.set(file, declaration)
  }
  return declaration
}

class TableMessage implements Message {
  readonly name: string
  readonly kind: boolean
  readonly atomic: boolean
  readonly #lines: readonly string[]
  #fields: ReadonlyMap<string, Field> | undefined
  #numbers: ReadonlyMap<number, Field> | undefined

  constructor(name: string) {
    const [file, own] = splitName(name)
    const declaration = declarationsOf(file).messages.get(own)
    if (declaration === undefined) throw new Error(`there is no message ${name}`)
    this.name = name
    this.kind = declaration.kind
    this.atomic = declaration.atomic
    this.#lines = declaration.lines
  }

  get numbers(): ReadonlyMap<number, Field> {
    this.#numbers ??= new Map(
      this.#lines.map((line) => {
        const field = new TableField(splitName(this.name)[0], parseField(line))
        return [field.number, field]
      }),
    )
    return this.#numbers
  }

  get fields(): ReadonlyMap<string, Field> {
    if (this.#fields === undefined) {
      const fields = new Map<string, Field>()
      for (const field of this.numbers.values()) {
        if (field.name !== '') fields.set(field.name, field)
        else for (const [name, inner] of field.message!.fields) fields.set(name, inner)
      }
      this.#fields = fields
    }
    return this.#fields
  }
}

class TableField implements Field {
  readonly number: number
  readonly name: string
  readonly pointer: boolean
  readonly shape: Field['shape']
  readonly wrapped: boolean
  readonly always: boolean
  readonly required: boolean
  readonly listType: Field['listType']
  readonly listKeys: readonly string[]
  readonly mapType: Field['mapType']
  readonly patch: readonly string[]
  readonly mergeKey: string | undefined
  readonly default: unknown
  readonly scalar: Scalar | undefined
  readonly values: readonly string[] | undefined
  readonly #type: string
  #message: Message | undefined

  constructor(file: string, declaration: FieldDeclaration) {
    this.number = declaration.number
    this.name = declaration.name
    this.pointer = declaration.pointer
    this.shape = declaration.shape
    this.wrapped = declaration.wrapped
    this.always = declaration.always
    this.required = declaration.required
    this.listType = declaration.listType
    this.listKeys = declaration.listKeys
    this.mapType = declaration.mapType
    this.patch = declaration.patch
    this.mergeKey = declaration.mergeKey
    this.default = declaration.default
    const { type } = declaration
    this.#type = type.includes('.') ? type : `${file}.${type}`
    if (scalars.has(type)) {
      this.scalar = type as Scalar
    } else {
      const [of, own] = splitName(this.#type)
      this.values = declarationsOf(of).enums.get(own)
      this.scalar = this.values === undefined ? undefined : 'string'
    }
  }

  get message(): Message | undefined {
    if (this.scalar === undefined) this.#message ??= messageOf(this.#type)
    return this.#message
  }
}

function splitName(name: string): [file: string, own: string] {
  const dot = name.indexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}
