import type { StructuralSchema } from '@locktender/kube'
import { isSchema } from './walk.ts'

/** A field of a schema, found by its path. */
export interface FoundField {
  /** As errors name it: `.spec.a` and `.spec['a']` are both `spec.a`, an entry of a map is `spec.map[key]`. */
  readonly path: string
  readonly schema: StructuralSchema
}

class PathError extends Error {}

/**
 * Follows a path of fields and map entries, `.a.b`, `.a['b']`, through a schema.
 * @throws Error saying why there is no such field
 */
export function findField(path: string, schema: StructuralSchema, options: { brackets: boolean }): FoundField {
  const tokens = tokensOf(path)
  let at = 0
  let found: FoundField = { path: '', schema }
  const next = (): string => {
    const token = tokens[at++]
    if (token === undefined) throw new PathError('unexpected end of JSON path')
    return token
  }
  while (at < tokens.length) {
    const token = next()
    if (token === '.') {
      found = step(found, next())
    } else if (token === '[') {
      if (!options.brackets) throw new PathError('array notation is not allowed')
      const quoted = next()
      if (quoted.length < 2 || !quoted.startsWith("'") || !quoted.endsWith("'")) {
        throw new PathError(`expected single quoted string but got ${quoted}`)
      }
      found = step(found, unescaped(quoted.slice(1, -1)))
      const end = next()
      if (end !== ']') throw new PathError(`expected ] but got ${end}`)
    } else {
      throw new PathError(`expected [ or . but got: ${token}`)
    }
  }
  return found
}

/** Why a path with or without brackets leads nowhere; undefined when it leads to a field. */
export function fieldPathError(path: string, schema: StructuralSchema): string | undefined {
  try {
    findField(path, schema, { brackets: true })
    return undefined
  } catch (error) {
    if (error instanceof PathError) return error.message
    throw error
  }
}

function step({ path, schema }: FoundField, name: string): FoundField {
  const noField = 'does not refer to a valid field'
  if (schema.properties !== undefined && Object.keys(schema.properties).length > 0) {
    if (!Object.hasOwn(schema.properties, name)) throw new PathError(noField)
    return { path: path === '' ? name : `${path}.${name}`, schema: schema.properties[name]! }
  }
  if (!isSchema(schema.additionalProperties)) throw new PathError(noField)
  return { path: `${path}[${name}]`, schema: schema.additionalProperties }
}

/** Dots and brackets stand for themselves; everything between them is one token, quoted text with its quotes. */
function tokensOf(path: string): string[] {
  const pattern = /[.[\]]|'(?:\\[^]|[^'\\])*'|[^.[\]][^.[\]]*/g
  return path.match(pattern) ?? []
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
}

function unescaped(text: string): string {
  return text.replace(/\\[^]/g, (sequence) => {
    const character = escapes[sequence[1]!]
    if (character === undefined) {
      throw new PathError(`invalid string literal: invalid escape char ${sequence}`)
    }
    return character
  })
}
