import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parse } from './parser.ts'

const folder = fileURLToPath(new URL('../../../../shared/fixtures/crds/', import.meta.url))

/** A draft whose rules lack a closing parenthesis. */
const BROKEN = /^has\(self\.(?:resource|poolResource)\) && \(self\.resource == 'machineconfigpools' && [^)]*$/

/** Every rule in a definition. */
function rulesOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    key === 'x-kubernetes-validations' && Array.isArray(value)
      ? value.map(({ rule }: { rule: string }) => rule)
      : rulesOf(value),
  )
}

describe.skipIf(!existsSync(folder))('rules of real CRDs (skipped where ../shared/fixtures is absent)', () => {
  const files = globSync('**/*.{yaml,yml,json}', { cwd: folder }).sort()
  const rules = files.flatMap((file) =>
    parseAllDocuments(readFileSync(folder + file, 'utf8')).flatMap((document) => rulesOf(document.toJS())),
  )

  test('all parse', () => {
    const refused = [...new Set(rules)].filter(
      (rule) => !BROKEN.test(rule.trim()) && !parse(rule, { quotedFields: false }).ok,
    )
    expect(refused).toEqual([])
    expect(rules.length).toBeGreaterThan(500)
  })
})
