// Writes what is made from the kinds and their rules: deploy/crds/*.yaml, deploy/policies/*.yaml and docs/reference/api.md.
// With --check writes nothing and exits 1 if something is not as it would be written.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { crds, fleetPolicies } from '../packages/fleet/src/index.ts'
import { apiReference } from './api-reference.ts'

const ROOT = join(import.meta.dirname, '..')
const CRD_FOLDER = 'deploy/crds'
const POLICY_FOLDER = 'deploy/policies'

function generate(): Map<string, string> {
  const files = new Map<string, string>()
  const definitions = crds()
  for (const definition of definitions) {
    const { group, names } = definition.spec
    const text = stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false })
    files.set(
      `${CRD_FOLDER}/${group}_${names.plural}.yaml`,
      `# Made by scripts/generate.ts from packages/fleet.\n${text}`,
    )
  }
  for (const [name, objects] of Map.groupBy(fleetPolicies(), ({ metadata }) => metadata.name)) {
    const texts = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    files.set(
      `${POLICY_FOLDER}/${name}.yaml`,
      `# Made by scripts/generate.ts from packages/fleet. For hubs that are not Locktender's own API server.\n${texts.join('---\n')}`,
    )
  }
  files.set('docs/reference/api.md', `${apiReference(definitions).trimEnd()}\n`)
  return files
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Files in the folders of generated ones that would not be made any more. */
function leftovers(files: ReadonlyMap<string, string>): string[] {
  return [CRD_FOLDER, POLICY_FOLDER].flatMap((folder) =>
    namesIn(folder)
      .map((name) => `${folder}/${name}`)
      .filter((path) => path.endsWith('.yaml') && !files.has(path)),
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(join(ROOT, folder))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function difference(path: string, actual: string | undefined, expected: string): string | undefined {
  if (actual === expected) return undefined
  if (actual === undefined) return `${path}: is missing`
  const actualLines = actual.split('\n')
  const expectedLines = expected.split('\n')
  const first = expectedLines.findIndex((line, index) => line !== actualLines[index])
  const line = first < 0 ? expectedLines.length : first
  return `${path}:${line + 1}: differs\n  - ${actualLines[line] ?? '(end)'}\n  + ${expectedLines[line] ?? '(end)'}`
}

function check(files: ReadonlyMap<string, string>): number {
  const differences = [...files].flatMap(([path, text]) => difference(path, read(path), text) ?? [])
  for (const path of leftovers(files)) differences.push(`${path}: is not made any more`)
  if (differences.length === 0) return 0
  console.error(
    `${differences.join('\n')}\n${differences.length} generated files are out of date; run: npm run generate`,
  )
  return 1
}

function write(files: ReadonlyMap<string, string>): void {
  for (const path of leftovers(files)) rmSync(join(ROOT, path))
  for (const [path, text] of files) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), text)
  }
}

const files = generate()
if (process.argv.includes('--check')) process.exitCode = check(files)
else write(files)
