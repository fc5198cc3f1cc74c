import { isRecord } from '../objects/object.ts'

type Step = (values: unknown[]) => unknown[]

/**
 * Compiles the JSONPath subset of printer columns: `.a.b`, `['a.b']`, `.a\.b`, `[0]`, `[*]`, `.*`, and filters such as
 * `[?(@.type=="Ready")]` with `==` and `!=`. The function finds nothing where the path does not fit.
 * @throws Error when the text is not such a path
 */
export function compileJsonPath(text: string): (root: unknown) => unknown[] {
  const steps = parseSteps(text)
  return (root) => {
    let values: unknown[] = [root]
    for (const step of steps) {
      values = step(values)
      if (values.length === 0) break
    }
    return values
  }
}

const FIELD = /\.((?:\\.|[^.[\]\\])+)/y
const INDEX = /\[(-?\d+)\]/y
const WILDCARD = /\[\*\]|\.\*/y
const QUOTED = /\[(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")\]/y
const FILTER = /\[\?\(\s*@((?:\.(?:\\.|[^.[\]\\=!<>\s()])+)+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([^\s)]+))\s*\)\]/y

function parseSteps(text: string): Step[] {
  const braced = /^\{(.*)\}$/s.exec(text.trim())
  const path = (braced?.[1] ?? text.trim()).replace(/^\$/, '')
  const steps: Step[] = []
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(path)
    if (found !== null) at += found[0].length
    return found
  }
  while (at < path.length) {
    let found: RegExpExecArray | null
    if (match(WILDCARD) !== null) steps.push(everyChild)
    else if ((found = match(FIELD)) !== null) steps.push(child(unescaped(found[1]!)))
    else if ((found = match(QUOTED)) !== null) steps.push(child(unescaped(found[1] ?? found[2]!)))
    else if ((found = match(INDEX)) !== null) steps.push(element(Number(found[1])))
    else if ((found = match(FILTER)) !== null) steps.push(filter(found))
    else throw new Error(`cannot read the JSONPath ${JSON.stringify(text)} at ${JSON.stringify(path.slice(at))}`)
  }
  return steps
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1')
}

function child(name: string): Step {
  return (values) => values.flatMap((value) => (isRecord(value) && Object.hasOwn(value, name) ? [value[name]] : []))
}

function element(index: number): Step {
  return (values) =>
    values.flatMap((value) => {
      const found = Array.isArray(value) ? (value.at(index) as unknown) : undefined
      return found === undefined ? [] : [found]
    })
}

function everyChild(values: unknown[]): unknown[] {
  return values.flatMap((value) =>
    Array.isArray(value) ? (value as unknown[]) : isRecord(value) ? Object.values(value) : [],
  )
}

function filter([, fields, operator, single, double, bare]: RegExpExecArray): Step {
  const path = parseSteps(fields!)
  const expected = single ?? double ?? bare!
  return (values) =>
    everyChild(values).filter((item) => {
      const found = path.reduce<unknown[]>((rest, step) => step(rest), [item])[0]
      if (found === undefined || (typeof found === 'object' && found !== null)) return false
      return (String(found as string | number | boolean | null) === expected) === (operator === '==')
    })
}
