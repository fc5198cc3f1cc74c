import { readFileSync } from 'node:fs'
import { group } from './case.ts'
import type { T } from './case.ts'

type Fields = { [name: string]: unknown }

interface Refusal {
  readonly patch: Fields
  /** Whether the object is there, and is to be changed. */
  readonly later: boolean
  readonly causes: string[]
}

interface Cause {
  readonly field: string
  readonly message: string
}

interface Kind {
  readonly path: string
  readonly object: Fields
  readonly refusals: Refusal[]
}

/** Reads `refusals.txt`, which says how it is written. */
function readKinds(): Kind[] {
  const kinds: Kind[] = []
  const text = readFileSync(new URL('refusals.txt', import.meta.url), 'utf8')
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('    ')) kinds.at(-1)!.refusals.at(-1)!.causes.push(line.trim())
    else if (line.startsWith('  ')) {
      const later = line.startsWith('  then ')
      const patch = JSON.parse(line.slice(later ? 7 : 2)) as Fields
      kinds.at(-1)!.refusals.push({ patch, later, causes: [] })
    } else {
      const space = line.indexOf(' ')
      kinds.push({ path: line.slice(0, space), object: JSON.parse(line.slice(space)) as Fields, refusals: [] })
    }
  }
  return kinds
}

/** A JSON merge patch (RFC 7386). */
function merged(value: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  const result: Fields = isMap ? { ...(value as Fields) } : {}
  for (const [name, part] of Object.entries(patch)) {
    if (part === null) delete result[name]
    else result[name] = merged(result[name], part)
  }
  return result
}

async function refuse(t: T, { path, object, refusals }: Kind): Promise<void> {
  const place = path.replace('/NS', `/${t.ns}`)
  const name = t.unique('refused')
  const whole = { ...object, metadata: { name, ...(object['metadata'] as object | undefined) } }
  const query = { dryRun: 'All' }
  let there = false
  for (const { patch, later, causes } of refusals) {
    if (later && !there) {
      await t.createGlobal(place, whole)
      // Nothing may hold it where nobody is there to let it go.
      t.after(() => t.patch(`${place}/${name}`, 'merge', { metadata: { finalizers: null } }))
      there = true
    }
    const answer = later
      ? await t.patch(`${place}/${name}`, 'merge', patch, { query })
      : await t.post(place, merged(whole, patch) as Fields, { query })
    const found = answer.status === 422 ? answer.json<{ details: { causes: Cause[] } }>().details.causes : []
    const said = found.map(({ field, message }) => `${field}: ${message}`)
    const [got, wanted] = [said, causes].map((lines) => [...new Set(lines)].toSorted().join('\n'))
    t.check(
      got === wanted,
      `${JSON.stringify(patch)} must be refused because of\n${wanted}\nbut the answer was ${answer.status}\n${got}`,
    )
  }
}

export const refusals = group('G9', (add) => {
  for (const [index, kind] of readKinds().entries()) {
    const id = `R${String(index + 1).padStart(2, '0')}`
    add(id, `refusals of ${kind.path.slice(kind.path.lastIndexOf('/') + 1)}`, (t) => refuse(t, kind))
  }
})
