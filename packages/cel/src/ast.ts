import type { CelUint } from './values.ts'

/** A place in an expression: an offset in UTF-16 units. */
export type Offset = number

/** The syntax tree. Macros are nodes of their own rather than the loops they stand for. */
export type Expr =
  | LiteralExpr
  | IdentExpr
  | SelectExpr
  | PresenceExpr
  | CallExpr
  | ListExpr
  | MapExpr
  | StructExpr
  | ComprehensionExpr
  | BindExpr

/** What a literal in the source can be. */
export type LiteralValue = boolean | bigint | number | string | null | Uint8Array | CelUint

export interface LiteralExpr {
  readonly kind: 'literal'
  readonly at: Offset
  readonly value: LiteralValue
}

export interface IdentExpr {
  readonly kind: 'ident'
  readonly at: Offset
  /** A leading dot means: not relative to the container, and no local variable. */
  readonly name: string
}

/** `operand.field`, `operand.?field`. */
export interface SelectExpr {
  readonly kind: 'select'
  readonly at: Offset
  readonly operand: Expr
  readonly field: string
  readonly optional: boolean
}

/** `has(operand.field)`. */
export interface PresenceExpr {
  readonly kind: 'presence'
  readonly at: Offset
  readonly operand: Expr
  readonly field: string
}

/** A function, method or operator; operators have names like `_+_` and `_[_]`. */
export interface CallExpr {
  readonly kind: 'call'
  readonly at: Offset
  readonly name: string
  readonly target: Expr | undefined
  readonly args: readonly Expr[]
}

export interface ListExpr {
  readonly kind: 'list'
  readonly at: Offset
  readonly elements: readonly { readonly value: Expr; readonly optional: boolean }[]
}

export interface MapExpr {
  readonly kind: 'map'
  readonly at: Offset
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[]
}

/** `Type{field: value}`. */
export interface StructExpr {
  readonly kind: 'struct'
  readonly at: Offset
  readonly type: string
  readonly fields: readonly {
    readonly at: Offset
    readonly name: string
    readonly value: Expr
    readonly optional: boolean
  }[]
}

export type ComprehensionKind =
  | 'all'
  | 'exists'
  | 'existsOne'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'

/** A macro that goes through a list or map. */
export interface ComprehensionExpr {
  readonly kind: 'comprehension'
  readonly at: Offset
  readonly macro: ComprehensionKind
  readonly range: Expr
  /** The item of a list or key of a map; with a second variable, the index of a list. */
  readonly variable: string
  /** The item of a list or value of a map. */
  readonly variable2: string | undefined
  /** Only items it holds for take part. */
  readonly filter: Expr | undefined
  /** The predicate or the transformation; for `filter` the variable itself. */
  readonly body: Expr
}

/** A value with a name, in a body: what `optMap`, `optFlatMap` and `sortBy` are made of. */
export interface BindExpr {
  readonly kind: 'bind'
  readonly at: Offset
  readonly variable: string
  readonly value: Expr
  readonly body: Expr
}

/** Names of operators as functions. */
export const operators = {
  not: '!_',
  negate: '-_',
  conditional: '_?_:_',
  and: '_&&_',
  or: '_||_',
  equals: '_==_',
  notEquals: '_!=_',
  less: '_<_',
  lessOrEqual: '_<=_',
  greater: '_>_',
  greaterOrEqual: '_>=_',
  in: '@in',
  add: '_+_',
  subtract: '_-_',
  multiply: '_*_',
  divide: '_/_',
  modulo: '_%_',
  index: '_[_]',
  optionalIndex: '_[?_]',
} as const
