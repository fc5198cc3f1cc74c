import { apiVersionOf, type KubeObject, type Resource } from '@locktender/kube'
import { stringify } from 'yaml'
import type { OutputFormat } from './output-format.ts'
import type { Session } from './session.ts'

export type { OutputFormat } from './output-format.ts'

/** A column of a table; `wide` ones appear only with `-o wide`. */
export interface Column<T> {
  readonly title: string
  readonly wide?: boolean
  readonly cell: (row: T) => string | number | undefined
}

/** Columns padded with spaces, three apart, as kubectl prints them. Absent cells read `<none>`. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], wide = false): string {
  const shown = columns.filter((column) => wide || column.wide !== true)
  const cells = rows.map((row) => shown.map((column) => String(column.cell(row) ?? '<none>') || '<none>'))
  const widths = shown.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => line[index]!.length)),
  )
  const lines = [shown.map((column) => column.title), ...cells].map((line) =>
    line
      .map((cell, index) => (index === line.length - 1 ? cell : cell.padEnd(widths[index]! + 3)))
      .join('')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** `resource.group/name`. */
export function resourceName(resource: Resource, name: string): string {
  const kind = resource.kind.toLowerCase()
  return resource.group === '' ? `${kind}/${name}` : `${kind}.${resource.group}/${name}`
}

/** Prints objects of one kind in the chosen format; `single` prints one object instead of a list of one. */
export function printObjects<T extends KubeObject>(
  session: Session,
  format: OutputFormat,
  resource: Resource,
  objects: readonly T[],
  columns: readonly Column<T>[],
  single = false,
): void {
  switch (format) {
    case 'table':
    case 'wide':
      if (objects.length === 0) session.note('No resources found')
      else session.out(renderTable(columns, objects, format === 'wide'))
      return
    case 'name':
      for (const object of objects) session.out(`${resourceName(resource, object.metadata.name)}\n`)
      return
    default: {
      const items = objects.map((object) => ({
        ...object,
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        metadata: withoutManagedFields(object.metadata),
      }))
      printDocument(session, format, single ? items[0] : { apiVersion: 'v1', kind: 'List', items })
    }
  }
}

/** Prints one structured answer; anything but yaml prints as JSON. */
export function printDocument(session: Session, format: OutputFormat, document: unknown): void {
  session.out(format === 'yaml' ? stringify(document) : `${JSON.stringify(document, undefined, 2)}\n`)
}

function withoutManagedFields(metadata: KubeObject['metadata']): object {
  const { managedFields: _managedFields, ...rest } = metadata
  return rest
}

/** Time since `timestamp` as kubectl shows ages: `45s`, `12m`, `3h20m`, `5d`. */
export function age(timestamp: string | undefined, now: number): string | undefined {
  if (timestamp === undefined) return undefined
  return duration(now - Date.parse(timestamp))
}

/** A length of time in at most two units. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`
  return `${Math.floor(hours / 24)}d`
}
