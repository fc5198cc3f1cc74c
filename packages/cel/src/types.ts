/**
 * The type of a CEL expression or variable.
 *
 * Values enter as plain JSON; the declared type says how the JSON reads: a number as int or double, a string as string,
 * timestamp, duration or bytes, an object as a map or as an object with declared fields.
 */
export type CelType =
  | CelScalarType
  | CelTypeOfTypes
  | CelListType
  | CelMapType
  | CelOptionalType
  | CelObjectType
  | CelOpaqueType
  | CelParameterType

type CelScalarKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'dyn'
  | 'error'

/** A type without parts. `dyn` is checked at run time only; `error` stands where checking failed and fits everything. */
export interface CelScalarType {
  readonly kind: CelScalarKind
  /** For a scalar that may also be null, as the wrapper types of protobuf are. */
  readonly nullable?: boolean
}

/** The type of types: what `type(x)`, `int` and `list` are as values. */
export interface CelTypeOfTypes {
  readonly kind: 'type'
  /** Unknown for the bare word `type`. */
  readonly of?: CelType
}

export interface CelListType {
  readonly kind: 'list'
  readonly element: CelType
  /** How lists that enter as JSON compare and concatenate; plain order when absent. */
  readonly merge?: CelListMerge
}

/**
 * Lists that Kubernetes treats as sets or maps (`x-kubernetes-list-type`): `==` ignores order, and `+` keeps the left
 * side's order, overwriting (map) or leaving out (set) what both sides have.
 */
export type CelListMerge =
  | { readonly kind: 'set' }
  | {
      readonly kind: 'map'
      /** JSON names of the properties that identify an item. */
      readonly keys: readonly string[]
    }

export interface CelMapType {
  readonly kind: 'map'
  readonly key: CelType
  readonly value: CelType
}

export interface CelOptionalType {
  readonly kind: 'optional'
  readonly of: CelType
}

/** An object with declared fields. Two object types are the same when their names are. */
export interface CelObjectType {
  readonly kind: 'object'
  readonly name: string
  readonly fields: ReadonlyMap<string, CelField>
}

/** A field of an object type, under its name in expressions. */
export interface CelField {
  readonly type: CelType
  /** The property of the JSON object; differs from the field's name where that had to be escaped. */
  readonly property: string
}

/** A type that only functions can look into: quantity, URL, IP, CIDR, semantic version, authorizer, … */
export interface CelOpaqueType {
  readonly kind: 'opaque'
  readonly name: string
}

/** A type variable of a generic function, `T`. */
export interface CelParameterType {
  readonly kind: 'parameter'
  readonly name: string
}

export const celBool: CelScalarType = { kind: 'bool' }
export const celInt: CelScalarType = { kind: 'int' }
export const celUint: CelScalarType = { kind: 'uint' }
export const celDouble: CelScalarType = { kind: 'double' }
export const celString: CelScalarType = { kind: 'string' }
export const celBytes: CelScalarType = { kind: 'bytes' }
export const celNull: CelScalarType = { kind: 'null' }
export const celTimestamp: CelScalarType = { kind: 'timestamp' }
export const celDuration: CelScalarType = { kind: 'duration' }
export const celDyn: CelScalarType = { kind: 'dyn' }
export const celError: CelScalarType = { kind: 'error' }
export const celType: CelTypeOfTypes = { kind: 'type' }

export function listOf(element: CelType, merge?: CelListMerge): CelListType {
  return merge === undefined ? { kind: 'list', element } : { kind: 'list', element, merge }
}

export function mapOf(key: CelType, value: CelType): CelMapType {
  return { kind: 'map', key, value }
}

export function optionalOf(of: CelType): CelOptionalType {
  return { kind: 'optional', of }
}

/** A type as a value of type `type`. */
export function typeOf(of: CelType): CelTypeOfTypes {
  return { kind: 'type', of }
}

/**
 * An object type. A field is given by its type when its JSON property has the same name, otherwise with the property.
 *
 * @param name unique among the types of one expression; shown in messages.
 */
export function objectType(name: string, fields: Readonly<Record<string, CelType | CelField>>): CelObjectType {
  return {
    kind: 'object',
    name,
    fields: new Map(
      Object.entries(fields).map(([field, declared]) => [
        field,
        'property' in declared ? declared : { type: declared, property: field },
      ]),
    ),
  }
}

export function opaqueType(name: string): CelOpaqueType {
  return { kind: 'opaque', name }
}

export function typeParameter(name: string): CelParameterType {
  return { kind: 'parameter', name }
}

const SCALAR_NAMES: Readonly<Record<CelScalarKind, string>> = {
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  double: 'double',
  string: 'string',
  bytes: 'bytes',
  null: 'null',
  timestamp: 'timestamp',
  duration: 'duration',
  dyn: 'dyn',
  error: '!error!',
}

/** The type as error messages write it: `map(string, list(int))`. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.element)})`
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`
    case 'optional':
      return `optional_type(${formatType(type.of)})`
    case 'type':
      return type.of === undefined ? 'type' : `type(${formatType(type.of)})`
    case 'object':
    case 'opaque':
    case 'parameter':
      return type.name
    default:
      return type.nullable === true ? `wrapper(${SCALAR_NAMES[type.kind]})` : SCALAR_NAMES[type.kind]
  }
}

/** The name of the type as a value, without parameters: `list`, `google.protobuf.Timestamp`. */
export function runtimeTypeName(type: CelType): string {
  switch (type.kind) {
    case 'object':
    case 'opaque':
    case 'parameter':
      return type.name
    case 'optional':
      return 'optional_type'
    case 'null':
      return 'null_type'
    case 'timestamp':
      return 'google.protobuf.Timestamp'
    case 'duration':
      return 'google.protobuf.Duration'
    default:
      return type.kind
  }
}

/** Whether two types are the same in every part. */
export function sameType(left: CelType, right: CelType): boolean {
  if (left === right) return true
  switch (left.kind) {
    case 'list':
      return right.kind === 'list' && sameType(left.element, right.element)
    case 'map':
      return right.kind === 'map' && sameType(left.key, right.key) && sameType(left.value, right.value)
    case 'optional':
      return right.kind === 'optional' && sameType(left.of, right.of)
    case 'type':
      return (
        right.kind === 'type' &&
        (left.of === undefined || right.of === undefined ? left.of === right.of : sameType(left.of, right.of))
      )
    case 'object':
    case 'opaque':
    case 'parameter':
      return right.kind === left.kind && left.name === right.name
    default:
      return right.kind === left.kind && (left.nullable === true) === (right.nullable === true)
  }
}
