import { badRequest } from '@locktender/kube'
import type { AnyObject } from '../objects/object.ts'
import type { Presentation } from './represent.ts'
import type { Cell, TableColumn } from '../served-resource.ts'

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

/** meta.k8s.io/v1 Table. */
export interface Table {
  readonly kind: 'Table'
  readonly apiVersion: 'meta.k8s.io/v1'
  readonly metadata: object
  readonly columnDefinitions: readonly Omit<TableColumn, 'cell'>[] | null
  readonly rows: readonly TableRow[]
}

/** Objects as rows; later events of a watch leave out the columns, which the client knows by then. */
export function tableOf(
  objects: readonly AnyObject[],
  metadata: object,
  { served, includeObject, nowMs }: Presentation,
  withColumns: boolean,
): Table {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withColumns ? served.columns.map(({ cell: _cell, ...column }) => column) : null,
    rows: objects.map((object) => ({
      cells: served.columns.map((column) => column.cell(object, nowMs) ?? null),
      ...rowObject(object, includeObject),
    })),
  }
}

function rowObject(object: AnyObject, include: IncludeObject): { object: object | null } {
  switch (include) {
    case 'None':
      return { object: null }
    case 'Object':
      return { object }
    case 'Metadata':
      return {
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
      }
  }
}
