import { posix } from 'node:path'
import { maskSource } from './mask-source.ts'

/** A workspace of ours: a package or an app. */
export interface Workspace {
  /** `packages/kube`. */
  readonly folder: string
  /** `@locktender/kube`. */
  readonly name: string
  /** Names of its dependencies of all kinds. */
  readonly dependencies: readonly string[]
  /** What others may import beside the package itself: `./once`. */
  readonly entries?: readonly string[]
}

/** A broken rule. */
export interface Violation {
  /** `path:line`. */
  readonly place: string
  readonly rule: string
}

/** Everything imports only floors below its own. */
const FLOORS: Readonly<Record<string, number>> = {
  'packages/cel': 1,
  'packages/kube': 1,
  'packages/rollout': 1,
  'packages/releases': 1,
  'packages/apiserver': 2,
  'packages/fleet': 2,
  'packages/runtime': 3,
  'packages/fixes': 4,
  'packages/operators/sample': 4,
  'apps/agent': 5,
  'apps/cli': 5,
  'apps/manager': 5,
  // Runs the real agent and manager against simulated clusters.
  'apps/simulator': 6,
}

/** Pure decisions: they must run anywhere. */
const WITHOUT_NODE: ReadonlySet<string> = new Set(['packages/rollout', 'packages/releases'])

const OURS = '@locktender/'

const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/g, 'Date.now is the time of one machine; take a Clock'],
  [/\bnew Date(?!\w)\s*(?:\(\s*\)|(?!\s*\())/g, 'new Date() is the time of one machine; take a Clock'],
  [/\bperformance\.now\b/g, 'performance.now is the time of one machine; take a Clock'],
  [/\bprocess\.hrtime\b/g, 'process.hrtime is the time of one machine; take a Clock'],
  [/\bMath\.random\b/g, 'Math.random cannot be repeated; take a Random'],
  [
    /(?:(?<![\w$.])|\bglobalThis\.)(?:setTimeout|setInterval|setImmediate)\b/g,
    'timers are not under the clock; use Clock.after or sleep',
  ],
  [/\bprocess\.env\b/g, 'process.env is read at the edge only; take an option'],
]

const IMPORT = /\b(?:from|import)\s*\(?\s*['"]([^'"\n]+)['"]/g

/** Whether a source may touch the outside world directly. */
export function isEdge(path: string): boolean {
  const segments = path.split('/')
  const file = segments.at(-1)!
  return (
    file === 'edge.ts' ||
    file === 'virtual-clock.ts' ||
    file.endsWith('.test.ts') ||
    segments.slice(0, -1).includes('edge') ||
    (segments[0] === 'apps' && segments.length === 4 && file === 'main.ts') ||
    (segments[1] === 'operators' && segments.length === 5 && file === 'main.ts')
  )
}

/** Rules about what a workspace says it depends on. */
export function checkWorkspace(workspace: Workspace, workspaces: readonly Workspace[]): Violation[] {
  const place = `${workspace.folder}/package.json:1`
  if (FLOORS[workspace.folder] === undefined) {
    return [{ place, rule: `${workspace.folder} has no floor; give it one in scripts/floors.ts and DESIGN` }]
  }
  return workspace.dependencies
    .filter((name) => name.startsWith(OURS))
    .flatMap((name) => floorRule(workspace, name, workspaces) ?? [])
    .map((rule) => ({ place, rule }))
}

/** Rules about one source file; `path` is relative to the repository. */
export function checkSource(
  path: string,
  source: string,
  workspace: Workspace,
  workspaces: readonly Workspace[],
): Violation[] {
  const masked = maskSource(source)
  const violations: Violation[] = []
  const report = (index: number, rule: string): void => {
    violations.push({ place: `${path}:${lineOf(source, index)}`, rule })
  }
  for (const match of source.matchAll(IMPORT)) {
    // Blanked out in the masked source: part of a comment or string.
    if (masked[match.index] !== source[match.index]) continue
    const rule = importRule(path, match[1]!, workspace, workspaces)
    if (rule !== undefined) report(match.index, rule)
  }
  if (!isEdge(path)) {
    for (const [pattern, rule] of BANNED) {
      for (const match of masked.matchAll(pattern)) report(match.index, rule)
    }
  }
  return violations
}

function importRule(
  path: string,
  specifier: string,
  workspace: Workspace,
  workspaces: readonly Workspace[],
): string | undefined {
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(path), specifier)
    return target.startsWith(`${workspace.folder}/`)
      ? undefined
      : `"${specifier}" leaves ${workspace.folder}; import the package by its name`
  }
  if (specifier.startsWith(OURS)) {
    const [scope, folder, ...below] = specifier.split('/')
    const name = `${scope}/${folder}`
    const entries = workspaces.find((candidate) => candidate.name === name)?.entries ?? []
    if (below.length > 0 && !entries.includes(`./${below.join('/')}`)) {
      return `"${specifier}" reaches into a package; import the package itself`
    }
    if (name === workspace.name) return `"${specifier}" is this package; import the file`
    if (!workspace.dependencies.includes(name)) return `"${specifier}" is no dependency in package.json`
    return floorRule(workspace, name, workspaces)
  }
  if (path.endsWith('.test.ts')) return undefined
  if (specifier.startsWith('node:')) {
    if (WITHOUT_NODE.has(workspace.folder)) return `${workspace.folder} imports nothing of Node, but "${specifier}"`
    if (specifier.startsWith('node:timers') && !isEdge(path))
      return 'timers are not under the clock; use Clock.after or sleep'
  }
  return undefined
}

function floorRule(workspace: Workspace, name: string, workspaces: readonly Workspace[]): string | undefined {
  const folder = workspaces.find((candidate) => candidate.name === name)?.folder
  const target = folder === undefined ? undefined : FLOORS[folder]
  const own = FLOORS[workspace.folder]
  if (target === undefined) return `${name} is not a package with a floor`
  if (own === undefined || target < own) return undefined
  return `${workspace.folder} (floor ${own}) must not import ${folder} (floor ${target}); imports go to lower floors only`
}

function lineOf(source: string, index: number): number {
  let line = 1
  for (let at = source.indexOf('\n'); at >= 0 && at < index; at = source.indexOf('\n', at + 1)) line++
  return line
}
