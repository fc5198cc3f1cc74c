import { describe, expect, test } from 'vitest'
import { checkSource, checkWorkspace, isEdge } from './floors.ts'
import type { Workspace } from './floors.ts'
import { maskSource } from './mask-source.ts'

const kube: Workspace = {
  folder: 'packages/kube',
  name: '@locktender/kube',
  dependencies: ['undici'],
  entries: ['.', './testing'],
}
const rollout: Workspace = { folder: 'packages/rollout', name: '@locktender/rollout', dependencies: [] }
const fleet: Workspace = {
  folder: 'packages/fleet',
  name: '@locktender/fleet',
  dependencies: ['@locktender/kube', '@locktender/runtime'],
}
const runtime: Workspace = {
  folder: 'packages/runtime',
  name: '@locktender/runtime',
  dependencies: ['@locktender/kube', '@locktender/fleet'],
}
const all = [kube, rollout, fleet, runtime]

function rules(source: string, options: { path?: string; workspace?: Workspace } = {}): string[] {
  const { workspace = fleet, path = `${workspace.folder}/src/a.ts` } = options
  return checkSource(path, source, workspace, all).map(({ place, rule }) => `${place}: ${rule}`)
}

describe('imports', () => {
  test.each([
    ["import { x } from '@locktender/kube'", []],
    ["import { x } from '@locktender/kube/testing'", []],
    ["import { x } from './b.ts'", []],
    ["import { x } from '../src/b.ts'", []],
    ["import { x } from 'node:fs'", []],
    ["// import { x } from '@locktender/manager'", []],
    ["const text = `import '@locktender/manager'`", []],
    [
      "\nimport { x } from '@locktender/runtime'",
      ['2: packages/fleet (floor 2) must not import packages/runtime (floor 3)'],
    ],
    ["import type { X } from '@locktender/releases'", ['1: "@locktender/releases" is no dependency']],
    ["export * from '@locktender/kube/src/types.ts'", ['1: "@locktender/kube/src/types.ts" reaches into a package']],
    ["import { x } from '@locktender/fleet'", ['1: "@locktender/fleet" is this package']],
    ["const x = await import('../../kube/src/a.ts')", ['1: "../../kube/src/a.ts" leaves packages/fleet']],
    ["import '../../kubernetes.ts'", ['1: "../../kubernetes.ts" leaves packages/fleet']],
    ["import { scheduler } from 'node:timers/promises'", ['1: timers are not under the clock']],
  ])('%s', (source, expected) => {
    const found = rules(source)
    expect(found).toHaveLength(expected.length)
    for (const [index, rule] of expected.entries()) expect(found[index]).toContain(`packages/fleet/src/a.ts:${rule}`)
  })

  test('of Node are kept out of pure packages, but not out of their tests', () => {
    const source = "import { readFileSync } from 'node:fs'"
    expect(rules(source, { workspace: rollout })[0]).toContain('packages/rollout imports nothing of Node')
    expect(rules(source, { workspace: rollout, path: 'packages/rollout/src/a.test.ts' })).toEqual([])
  })

  test('are judged in package.json too', () => {
    expect(checkWorkspace(runtime, all)).toEqual([])
    expect(checkWorkspace(fleet, all)).toMatchObject([{ place: 'packages/fleet/package.json:1' }])
    expect(checkWorkspace({ ...kube, folder: 'packages/new' }, all)[0]?.rule).toContain('has no floor')
  })
})

describe('the outside world', () => {
  test.each([
    'const now = Date.now()',
    'const now = new Date()',
    'const now = new Date( ).toISOString()',
    'const now = new Date',
    'const x = Math.random()',
    'setTimeout(() => {}, 1)',
    'globalThis.setInterval(f, 1)',
    'await new Promise(setImmediate)',
    'const home = process.env.HOME',
    'const text = `${process.env.HOME}`',
    'const t = performance.now()',
  ])('is not touched: %s', (source) => {
    expect(rules(source)).toHaveLength(1)
    expect(rules(source, { path: 'packages/fleet/src/edge/a.ts' })).toEqual([])
  })

  test.each([
    'const then = new Date(ms).toISOString()',
    'const then = Date.parse(text)',
    '// Date.now() is banned',
    "const advice = 'use process.env'",
    'const pattern = /Math.random/',
    'clock.setTimeout(f)',
    'const newDate = 1',
    'const x: Date = new DateTime()',
  ])('is not touched by %s', (source) => {
    expect(rules(source)).toEqual([])
  })

  test.each([
    ['packages/kube/src/edge.ts', true],
    ['packages/kube/src/edge/clock.ts', true],
    ['packages/kube/src/virtual-clock.ts', true],
    ['packages/kube/src/a.test.ts', true],
    ['apps/cli/src/main.ts', true],
    ['apps/cli/src/commands/main.ts', false],
    ['packages/kube/src/main.ts', false],
    ['packages/kube/src/knowledge.ts', false],
  ])('is met in %s: %s', (path, expected) => {
    expect(isEdge(path)).toBe(expected)
  })
})

describe('masking', () => {
  test.each([
    ["a('b') // c", "a(' ')     "],
    ['a /* b\nc */ d', 'a     \n     d'],
    ["'it\\'s' + x", "'     ' + x"],
    ['`a ${b(`c`)} d` + e', '`  ${b(` `)}  ` + e'],
    ['`${ { a: 1 }.a }` + b', '`${ { a: 1 }.a }` + b'],
    ['x = /[/\'"]/.test(y)', 'x = /     /.test(y)'],
    ['a / b / c', 'a / b / c'],
    ["return /'/", 'return / /'],
  ])('%s', (source, expected) => {
    expect(maskSource(source)).toBe(expected)
  })
})
