import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../types.ts'
import { deepEqual } from '../deep-equal.ts'
import { ApplyConflictError } from './apply-errors.ts'
import { NOW, Scenario, widget, widgetSchema } from './test-widget.ts'
import type { Widget } from './test-widget.ts'
import { trackUpdate } from './track-update.ts'

fc.configureGlobal({ seed: 2_026 })

type Spec = { [field: string]: Json }

const word = fc.constantFrom('a', 'b', 'c')
const words = fc.uniqueArray(word)
const labels = fc.dictionary(word, word, { maxKeys: 3 })
const items = fc.uniqueArray(
  fc.record({ name: word, value: word, tags: fc.array(word, { maxLength: 2 }) }, { requiredKeys: ['name'] }),
  { selector: (item) => item.name },
)
const spec = fc.record(
  {
    size: fc.nat(2),
    name: word,
    steps: fc.array(word, { maxLength: 2 }),
    selector: labels,
    labels,
    tags: words,
    items,
    nested: fc.record(
      { left: fc.nat(2), right: fc.record({ deep: word }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    ),
    free: fc.record({ x: fc.oneof(word, fc.array(word), labels), y: fc.nat(2) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Spec>

const write = fc.record({ kind: fc.constantFrom('apply', 'update'), manager: fc.constantFrom('m1', 'm2', 'm3'), spec })
const applies = fc.array(fc.record({ manager: fc.constantFrom('m1', 'm2', 'm3'), spec }), { maxLength: 4 })
const history = fc.array(write, { maxLength: 4 })

function after(writes: readonly { kind?: string; manager: string; spec: Spec }[]): Scenario {
  const scenario = new Scenario()
  for (const { kind, manager, spec } of writes) {
    if (kind === 'update') scenario.update(manager, widget(spec))
    else scenario.apply(manager, widget(spec), { force: true })
  }
  return scenario
}

/** Whether an object has all a configuration states; items of lists are told apart as the schema says. */
function states(live: Json | undefined, stated: Json, field: string): boolean {
  if (Array.isArray(stated) && (field === 'tags-set' || field === 'items')) {
    if (stated.length === 0) return true
    if (!Array.isArray(live)) return false
    if (field === 'tags-set') return stated.every((item) => live.includes(item))
    return stated.every((item) => {
      const name = (item as Spec)['name']
      return states(
        live.find((other) => (other as Spec)['name'] === name),
        item,
        'item',
      )
    })
  }
  if (typeof stated !== 'object' || stated === null || Array.isArray(stated) || field === 'selector') {
    return deepEqual(live, stated)
  }
  if (typeof live !== 'object' || live === null || Array.isArray(live)) return false
  return Object.entries(stated).every(([key, value]) =>
    states(live[key], value, field === 'spec' && key === 'tags' ? 'tags-set' : key),
  )
}

describe('whatever was written before', () => {
  test('applying the same twice changes nothing the second time', () => {
    fc.assert(
      fc.property(history, spec, (writes, spec) => {
        const scenario = after(writes).apply('m1', widget(spec), { force: true })
        const before = scenario.live
        scenario.apply('m1', structuredClone(widget(spec)), { now: '2027-01-01T00:00:00Z' })
        expect(scenario.changed).toBe(false)
        expect(scenario.live).toBe(before)
      }),
      { numRuns: 400 },
    )
  })

  test('a forced apply makes the object what it states', () => {
    fc.assert(
      fc.property(history, spec, (writes, spec) => {
        const scenario = after(writes).apply('m1', widget(spec), { force: true })
        expect(states(scenario.spec, spec, 'spec')).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  test('an apply without force takes nothing from other appliers, or is refused', () => {
    fc.assert(
      fc.property(applies, spec, (writes, spec) => {
        const scenario = after(writes)
        const before = scenario.live
        const others = scenario.entries.filter((entry) => entry.manager !== 'm1')
        try {
          scenario.apply('m1', widget(spec))
        } catch (error) {
          expect(error).toBeInstanceOf(ApplyConflictError)
          expect(scenario.live).toBe(before)
        }
        expect(scenario.entries.filter((entry) => entry.manager !== 'm1')).toEqual(others)
      }),
      { numRuns: 400 },
    )
  })
})

describe('a part of a configuration that is no longer stated goes if and only if nobody else owns it', () => {
  /** Takes one part out of a specification: where it is as FieldsV1 elements, and how to look it up in an object. */
  interface Part {
    readonly elements: readonly string[]
    readonly without: Spec
    readonly present: (spec: Spec | undefined) => boolean
  }

  function partsOf(spec: Spec): Part[] {
    const parts: Part[] = []
    const { labels, tags, items, ...others } = spec as Spec & { labels?: Spec; tags?: string[]; items?: Spec[] }
    for (const field of ['size', 'name', 'steps', 'selector'] as const) {
      if (others[field] === undefined) continue
      const { [field]: _, ...without } = spec
      parts.push({ elements: [`f:${field}`], without, present: (of) => of?.[field] !== undefined })
    }
    for (const key of Object.keys(labels ?? {})) {
      const { [key]: _, ...rest } = labels ?? {}
      const present = (of: Spec | undefined) => (of?.['labels'] as Spec | undefined)?.[key] !== undefined
      parts.push({ elements: ['f:labels', `f:${key}`], without: { ...spec, labels: rest }, present })
    }
    for (const tag of tags ?? []) {
      const without = { ...spec, tags: (tags ?? []).filter((other) => other !== tag) }
      const present = (of: Spec | undefined) => ((of?.['tags'] ?? []) as Json[]).includes(tag)
      parts.push({ elements: ['f:tags', `v:${JSON.stringify(tag)}`], without, present })
    }
    for (const item of items ?? []) {
      const without = { ...spec, items: (items ?? []).filter((other) => other !== item) }
      const present = (of: Spec | undefined) =>
        ((of?.['items'] ?? []) as Spec[]).some((other) => other['name'] === item['name'])
      parts.push({ elements: ['f:items', `k:${JSON.stringify({ name: item['name'] as Json })}`], without, present })
    }
    return parts
  }

  function owns(fields: Json | undefined, elements: readonly string[]): boolean {
    let node = fields
    for (const element of elements) node = (node as Spec | undefined)?.[element]
    return node !== undefined && ('.' in (node as Spec) || Object.keys(node as Spec).length === 0)
  }

  test('among appliers', () => {
    let gone = 0
    let kept = 0
    fc.assert(
      fc.property(spec, applies, fc.nat(), (stated, others, choice) => {
        const parts = partsOf(stated)
        const part = parts[choice % Math.max(parts.length, 1)]
        fc.pre(part !== undefined)
        const scenario = after([...others, { manager: 'm1', spec: stated }])
        const ownedByOthers = scenario.entries.some(
          (entry) => entry.manager !== 'm1' && owns(entry.fieldsV1['f:spec'], part.elements),
        )
        scenario.apply('m1', widget(part.without), { force: true })
        expect(part.present((scenario.live as Widget).spec)).toBe(ownedByOthers)
        if (ownedByOthers) kept++
        else gone++
      }),
      { numRuns: 600 },
    )
    expect(Math.min(gone, kept)).toBeGreaterThan(20)
  })
})

test('what a new object owns does not depend on the ones created before', () => {
  const create = (object: Widget, schema = widgetSchema): Json =>
    JSON.parse(
      JSON.stringify(
        trackUpdate({ schema, manager: 'm', now: NOW, updated: object, operation: 'Update' }).metadata.managedFields,
      ),
    ) as Json
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 4 }), (specs) => {
      for (const each of specs) {
        // A schema of its own has seen no object before.
        expect(JSON.stringify(create(widget(each)))).toBe(JSON.stringify(create(widget(each), { ...widgetSchema })))
      }
    }),
  )
})
