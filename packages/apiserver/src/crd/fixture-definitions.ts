import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { CustomResourceDefinition } from './definition.ts'

/** For tests: definitions of real products, which lie beside the checkout where there are any. */
const folder = new URL('../../../../../shared/fixtures/crds/', import.meta.url)

export interface DefinitionFixture {
  /** Product and file, as `hypershift/nodepools.yaml`. */
  readonly file: string
  readonly definition: CustomResourceDefinition
}

export const haveFixtures = existsSync(folder)

/**
 * Definitions that were proposed and never merged, with rules that have a parenthesis too few or look for fields in
 * texts: what is said of them.
 */
export const unfinishedDefinitions: ReadonlyMap<string, string> = new Map([
  ['openshift/updatestatuses-pr2012.yaml', 'compilation failed: ERROR: <input>:1:114: Syntax error'],
])

let read: readonly DefinitionFixture[] | undefined

/** All of them by file name; none where the folder is missing. */
export function fixtureDefinitions(): readonly DefinitionFixture[] {
  read ??= haveFixtures ? readFixtures() : []
  return read
}

function readFixtures(): DefinitionFixture[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
  return files
    .sort()
    .map((file) => ({
      file,
      definition: parse(readFileSync(new URL(file, folder), 'utf8')) as CustomResourceDefinition,
    }))
    .filter(({ definition }) => definition.kind === 'CustomResourceDefinition')
}

/** The schema without rules. */
export function withoutRules(definition: CustomResourceDefinition): CustomResourceDefinition {
  const text = JSON.stringify(definition, (key, value: unknown) =>
    key === 'x-kubernetes-validations' ? undefined : value,
  )
  return JSON.parse(text) as CustomResourceDefinition
}
