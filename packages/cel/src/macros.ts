import { operators } from './ast.ts'
import type { CallExpr, ComprehensionKind, Expr } from './ast.ts'
import { SyntaxFailure } from './lexer.ts'

/** What a macro makes of a call; undefined leaves the call as it is. */
type Macro = (call: CallExpr, target: Expr) => Expr

/** Methods that are macros, by name and number of arguments. */
const METHODS: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ['all/2', quantifier('all')],
  ['exists/2', quantifier('exists')],
  ['existsOne/2', quantifier('existsOne')],
  ['exists_one/2', quantifier('existsOne')],
  ['all/3', pairs('all')],
  ['exists/3', pairs('exists')],
  ['existsOne/3', pairs('existsOne')],
  ['exists_one/3', pairs('existsOne')],
  ['transformList/3', pairs('transformList')],
  ['transformList/4', pairs('transformList')],
  ['transformMap/3', pairs('transformMap')],
  ['transformMap/4', pairs('transformMap')],
  ['transformMapEntry/3', pairs('transformMapEntry')],
  ['transformMapEntry/4', pairs('transformMapEntry')],
  ['map/2', items('map')],
  ['map/3', items('map')],
  ['filter/2', items('filter')],
  ['optMap/2', optionalMap(false)],
  ['optFlatMap/2', optionalMap(true)],
  ['sortBy/2', (call, list) => sortBy(call, list)],
])

/** The node a call stands for when it is a macro, otherwise the call. Throws SyntaxFailure for wrong arguments. */
export function expandMacro(call: CallExpr): Expr {
  const { name, target, args } = call
  if (target === undefined) return name === 'has' && args.length === 1 ? presence(call) : call
  return METHODS.get(`${name}/${args.length}`)?.(call, target) ?? call
}

function presence(call: CallExpr): Expr {
  const operand = call.args[0]!
  if (operand.kind !== 'select' || operand.optional) {
    throw new SyntaxFailure(operand.at, 'invalid argument to has() macro')
  }
  return { kind: 'presence', at: call.at, operand: operand.operand, field: operand.field }
}

/** `range.all(x, predicate)` and its kin. */
function quantifier(macro: ComprehensionKind): Macro {
  return ({ at, args }, range) => ({
    kind: 'comprehension',
    at,
    macro,
    range,
    variable: variable(args[0]!, 'argument must be a simple name'),
    variable2: undefined,
    filter: undefined,
    body: args[1]!,
  })
}

/** `range.map(x, transform)`, `range.map(x, filter, transform)` and `range.filter(x, predicate)`. */
function items(macro: 'map' | 'filter'): Macro {
  return ({ at, args }, range) => ({
    kind: 'comprehension',
    at,
    macro,
    range,
    variable: variable(args[0]!, 'argument is not an identifier'),
    variable2: undefined,
    filter: macro === 'filter' || args.length === 3 ? args[1]! : undefined,
    body: macro === 'filter' ? args[0]! : args.at(-1)!,
  })
}

/** Macros with a variable for the key or index and one for the value. */
function pairs(macro: ComprehensionKind): Macro {
  return ({ at, args }, range) => {
    const first = variable(args[0]!, 'argument must be a simple name')
    const second = variable(args[1]!, 'argument must be a simple name')
    if (first === second) throw new SyntaxFailure(args[1]!.at, `duplicate variable name: ${first}`)
    return {
      kind: 'comprehension',
      at,
      macro,
      range,
      variable: first,
      variable2: second,
      filter: args.length === 4 ? args[2]! : undefined,
      body: args.at(-1)!,
    }
  }
}

/** `optional.optMap(x, body)`: `optional.hasValue() ? optional.of(body with x) : optional.none()`. */
function optionalMap(flat: boolean): Macro {
  const macro = flat ? 'optFlatMap' : 'optMap'
  return ({ at, args }, optional) => {
    const name = variable(args[0]!, `${macro}() variable name must be a simple identifier`)
    const invoke = (name: string, values: readonly Expr[], target?: Expr): Expr => ({
      kind: 'call',
      at,
      name,
      target,
      args: values,
    })
    const mapped: Expr = { kind: 'bind', at, variable: name, value: invoke('value', [], optional), body: args[1]! }
    return invoke(operators.conditional, [
      invoke('hasValue', [], optional),
      flat ? mapped : invoke('optional.of', [mapped]),
      invoke('optional.none', []),
    ])
  }
}

/** No name in an expression can be this. */
const sortedList = '@sortBy'

/** `list.sortBy(x, key)`: the list sorted by the list of its keys. */
const sortBy: Macro = ({ at, args }, list) => {
  const name = variable(args[0]!, 'argument is not an identifier')
  const self: Expr = { kind: 'ident', at, name: sortedList }
  const keys: Expr = {
    kind: 'comprehension',
    at,
    macro: 'map',
    range: self,
    variable: name,
    variable2: undefined,
    filter: undefined,
    body: args[1]!,
  }
  const body: Expr = { kind: 'call', at, name: '@sortByAssociatedKeys', target: self, args: [keys] }
  return { kind: 'bind', at, variable: sortedList, value: list, body }
}

function variable(argument: Expr, message: string): string {
  if (argument.kind !== 'ident' || argument.name.startsWith('.')) throw new SyntaxFailure(argument.at, message)
  if (argument.name === '__result__') {
    throw new SyntaxFailure(argument.at, 'iteration variable overwrites accumulator variable')
  }
  return argument.name
}
