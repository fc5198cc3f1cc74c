// Holds the house together: imports go to lower floors only, and only the edge touches time, chance and environment.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkSource, checkWorkspace } from './floors.ts'
import type { Workspace } from './floors.ts'

const ROOT = join(import.meta.dirname, '..')

function workspaces(): Workspace[] {
  return ['packages', 'packages/operators', 'apps']
    .flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
        name: string
        dependencies?: Record<string, string>
        devDependencies?: Record<string, string>
        optionalDependencies?: Record<string, string>
        exports?: Record<string, string>
      }
      const { name, dependencies, devDependencies, optionalDependencies } = manifest
      return {
        folder,
        name,
        dependencies: Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }),
        entries: Object.keys(manifest.exports ?? {}),
      }
    })
}

const all = workspaces()
const violations = all.flatMap((workspace) => [
  ...checkWorkspace(workspace, all),
  ...globSync(`${workspace.folder}/**/*.{ts,tsx}`, { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] })
    .sort()
    .flatMap((path) => checkSource(path, readFileSync(join(ROOT, path), 'utf8'), workspace, all)),
])
for (const { place, rule } of violations) console.error(`${place}: ${rule}`)
if (violations.length > 0) process.exitCode = 1
