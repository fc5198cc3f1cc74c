import { hash52 } from '@locktender/kube'
import type { KubeObject } from '@locktender/kube'
import type { IgnoredField } from './scenario.ts'

/** What the server writes by itself, differently each time. */
const SERVER_FIELDS = new Set([
  'resourceVersion',
  'uid',
  'creationTimestamp',
  'managedFields',
  'generation',
  'selfLink',
  'deletionGracePeriodSeconds',
])

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/
const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** An object without what differs between schedules that came to the same. */
export interface NormalObject {
  /** Equal for equal normal forms. */
  readonly hash: number
  readonly text: string
  readonly uid: string | undefined
  /** Uids of other objects that it names, in order. */
  readonly references: readonly string[]
}

/**
 * Brings objects into a form in which two schedules can be compared: times become one word, uids are left to be
 * compared by whether their object is there, an observed generation by whether it is the present one, and a generated
 * name by its prefix.
 */
export class Normaliser {
  readonly #ignored: readonly { readonly kind: string | undefined; readonly path: readonly string[] }[]

  constructor(ignored: readonly IgnoredField[] = []) {
    this.#ignored = ignored.map(({ kind, path }) => ({ kind, path: path.split('.') }))
  }

  normalise(object: KubeObject): NormalObject {
    const references: string[] = []
    const { name, generateName } = object.metadata
    const generated = generateName !== undefined && name.startsWith(generateName) ? name : undefined
    const ignored = this.#ignored.filter(({ kind }) => kind === undefined || kind === object.kind)
    const { generation } = object.metadata
    const walk = (value: unknown, path: readonly string[]): unknown => {
      if (typeof value === 'string') {
        if (TIME.test(value)) return '<time>'
        if (UID.test(value)) {
          references.push(value)
          return '<uid>'
        }
        return generated !== undefined && value === generated ? `${generateName}<generated>` : value
      }
      if (typeof value !== 'object' || value === null) {
        return path.at(-1) === 'observedGeneration' && typeof value === 'number'
          ? `<${value === generation ? 'present' : 'earlier'}>`
          : value
      }
      if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, String(index)]))
      const result: Record<string, unknown> = {}
      for (const [field, member] of Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))) {
        if (path.length === 1 && path[0] === 'metadata' && SERVER_FIELDS.has(field)) continue
        const inner = [...path, field]
        if (ignored.some((one) => fits(one.path, inner))) continue
        result[field] = walk(member, inner)
      }
      return result
    }
    const text = JSON.stringify(walk(object, []))
    return { text, references, uid: object.metadata.uid, hash: hash52(text) }
  }
}

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((part, index) => part === '*' || part === path[index])
}
