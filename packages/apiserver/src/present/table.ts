import { badRequest } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import type { Cell, TableColumn } from '../served-resource.ts'
import type { MetaVersion } from './media-types.ts'
import { partialMetadata } from './partial-metadata.ts'
import type { Presentation } from './represent.ts'

/** How much of each object comes with its row. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

/**
 * The query parameter of the same name.
 * @throws ApiError BadRequest
 */
export function parseIncludeObject(text: string | null): IncludeObject {
  if (text === null || text === '') return 'Metadata'
  if (text === 'None' || text === 'Metadata' || text === 'Object') return text
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`,
  )
}

interface TableRow {
  readonly cells: readonly (Exclude<Cell, undefined> | null)[]
  readonly object: object | null
}

/** A Table without its rows; later events of a watch leave out the columns, which the client knows by then. */
export interface TableHead {
  readonly kind: 'Table'
  readonly apiVersion: MetaVersion
  readonly metadata: object
  readonly columnDefinitions: readonly Omit<TableColumn, 'cell'>[] | null
}

export function tableHead(metadata: object, { served, metaVersion }: Presentation, withColumns: boolean): TableHead {
  return {
    kind: 'Table',
    apiVersion: metaVersion,
    metadata,
    columnDefinitions: withColumns ? served.columns.map(({ cell: _cell, ...column }) => column) : null,
  }
}

export function tableRow(object: AnyObject, presentation: Presentation): TableRow {
  const { served, includeObject, metaVersion, nowMs } = presentation
  return {
    cells: served.columns.map((column) => column.cell(object, nowMs) ?? null),
    ...rowObject(object, includeObject, metaVersion),
  }
}

/** A table with one row. */
export function tableOfOne(
  object: AnyObject,
  metadata: object,
  presentation: Presentation,
  withColumns: boolean,
): TableHead & { readonly rows: readonly TableRow[] } {
  return { ...tableHead(metadata, presentation, withColumns), rows: [tableRow(object, presentation)] }
}

function rowObject(object: AnyObject, include: IncludeObject, metaVersion: MetaVersion): { object: object | null } {
  switch (include) {
    case 'None':
      return { object: null }
    case 'Object':
      return { object }
    case 'Metadata':
      return { object: partialMetadata(object, metaVersion) }
  }
}
