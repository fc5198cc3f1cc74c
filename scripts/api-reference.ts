import type { StructuralSchema } from '../packages/kube/src/index.ts'
import type { CustomResourceDefinition } from '../packages/fleet/src/index.ts'

/** The reference of the API as Markdown: for each kind what it is, its names, and a table of its fields. */
export function apiReference(definitions: readonly CustomResourceDefinition[]): string {
  const group = definitions[0]?.spec.group ?? ''
  const version = definitions[0]?.spec.versions[0]?.name ?? ''
  const index = definitions.map(({ spec }) => `[${spec.names.kind}](#${spec.names.kind.toLowerCase()})`).join(' · ')
  return [
    '# API',
    '',
    `Kinds of \`${group}/${version}\`: ${index}.`,
    '',
    '`kubectl explain` shows the same. Fields are required unless marked optional or given a default. Lists of objects with',
    'a key can have items of several field managers.',
    '',
    ...definitions.flatMap(kindSection),
  ].join('\n')
}

function kindSection({ spec }: CustomResourceDefinition): string[] {
  const { names, scope } = spec
  const schema = spec.versions[0]!.schema.openAPIV3Schema
  const lines = [
    `## ${names.kind}`,
    '',
    schema.description ?? '',
    '',
    `Resource \`${names.plural}\` (${names.shortNames.map((name) => `\`${name}\``).join(', ')}), ${scope === 'Cluster' ? 'cluster-scoped' : 'namespaced'}.`,
    '',
  ]
  for (const part of ['spec', 'status']) {
    const root = schema.properties?.[part]
    if (root === undefined) continue
    lines.push(
      `### ${names.kind} ${part}`,
      '',
      root.description ?? '',
      '',
      '| field | type | meaning |',
      '| --- | --- | --- |',
    )
    lines.push(...fieldRows(root, ''), '')
  }
  return lines
}

function fieldRows(schema: StructuralSchema, prefix: string): string[] {
  const rows: string[] = []
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const isRequired = schema.required?.includes(name) === true
    rows.push(`| \`${prefix}${name}\` | ${typeText(field)} | ${meaning(field, isRequired)} |`)
    rows.push(...fieldRows(field.items ?? field, `${prefix}${name}${field.items === undefined ? '' : '[]'}.`))
  }
  return rows
}

function typeText(schema: StructuralSchema): string {
  if (schema.items !== undefined) {
    const keys = schema['x-kubernetes-list-map-keys']
    const kind =
      keys !== undefined ? ` by ${keys.join(', ')}` : schema['x-kubernetes-list-type'] === 'set' ? ', each once' : ''
    return `list of ${typeText(schema.items)}${kind}`
  }
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${valueText(word)}\``).join(' ')
  if (schema.format === 'date-time') return 'time'
  return schema.type ?? 'any'
}

function meaning(schema: StructuralSchema, isRequired: boolean): string {
  const notes: string[] = []
  if (schema.default !== undefined) notes.push(`Default \`${valueText(schema.default)}\`.`)
  else if (!isRequired) notes.push('Optional.')
  if (schema.minimum !== undefined && schema.maximum !== undefined && schema.maximum < 1_000_000) {
    notes.push(`${schema.minimum} to ${schema.maximum}.`)
  }
  return [schema.description ?? '', ...notes].join(' ').replaceAll('|', '\\|')
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
