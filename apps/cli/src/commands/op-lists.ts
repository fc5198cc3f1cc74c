import type { InputResources, OutputResources } from '@locktender/runtime/once'
import { type Column, type OutputFormat, printDocument, renderTable } from '../output.ts'
import type { Session } from '../session.ts'
import { declaredInputs, declaredOutputs } from './op-binary.ts'

interface Row {
  readonly list: string
  readonly resource: string
  readonly version: string
  readonly namespace?: string
  readonly selects: string
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'LIST', cell: (row) => row.list },
  { title: 'RESOURCE', cell: (row) => row.resource },
  { title: 'VERSION', wide: true, cell: (row) => row.version },
  { title: 'NAMESPACE', cell: (row) => row.namespace },
  { title: 'SELECTS', cell: (row) => row.selects },
]

/** What an operator must be given. */
export async function opInputs(session: Session, binary: string, options: { output: OutputFormat }): Promise<void> {
  const inputs = await declaredInputs(session, binary)
  print(session, options.output, inputs, [
    ...rowsOf('input', inputs.applyConfigurationResources),
    ...operandRows(inputs),
  ])
}

/** What an operator may write. */
export async function opOutputs(session: Session, binary: string, options: { output: OutputFormat }): Promise<void> {
  const outputs = await declaredOutputs(session, binary)
  const rows = Object.entries(DESTINATIONS).flatMap(([key, title]) => {
    const list = outputs[key as keyof OutputResources] ?? {}
    const eventing = (list.eventingNamespaces ?? []).map((namespace) => ({
      list: title,
      resource: 'events',
      version: '',
      namespace,
      selects: 'all',
    }))
    return [...rowsOf(title, list), ...eventing]
  })
  print(session, options.output, outputs, rows)
}

const DESTINATIONS = {
  configurationResources: 'configuration',
  managementResources: 'management',
  userWorkloadResources: 'user workload',
} as const satisfies Record<keyof OutputResources, string>

function operandRows({ operandResources }: InputResources): Row[] {
  return Object.entries(DESTINATIONS).flatMap(([key, title]) =>
    rowsOf(`operand, ${title}`, operandResources[key as keyof typeof operandResources] ?? {}),
  )
}

function rowsOf(list: string, resources: InputResources['applyConfigurationResources']): Row[] {
  const row = (entry: { group: string; version: string; resource: string; namespace?: string }, selects: string) => ({
    list,
    resource: entry.group === '' ? entry.resource : `${entry.resource}.${entry.group}`,
    version: entry.version,
    ...(entry.namespace !== undefined && entry.namespace !== '' && { namespace: entry.namespace }),
    selects,
  })
  return [
    ...(resources.exactResources ?? []).map((entry) => row(entry, entry.name)),
    ...(resources.generatedNameResources ?? []).map((entry) => row(entry, `${entry.name}*`)),
    ...(resources.labelSelectedResources ?? []).map((entry) => {
      const labels = Object.entries(entry.labelSelector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
      return row(entry, labels.join(','))
    }),
    ...(resources.resourceReferences ?? []).flatMap(({ referringResource, implicitNamespacedReference: reference }) =>
      reference === undefined
        ? []
        : [
            row(
              reference,
              `named by ${referringResource.resource}/${referringResource.name} at ${reference.nameJSONPath}`,
            ),
          ],
    ),
  ]
}

function print(session: Session, format: OutputFormat, document: object, rows: readonly Row[]): void {
  if (format === 'json' || format === 'yaml') printDocument(session, format, document)
  else if (format === 'name') for (const { resource, selects } of rows) session.out(`${resource}/${selects}\n`)
  else session.out(renderTable(COLUMNS, rows, format === 'wide'))
}
