import type { AnyObject } from '../objects/object.ts'
import { dateCell, nameColumn } from '../present/table-cells.ts'
import type { TableColumn } from '../served-resource.ts'
import { at, column, number, text, wide } from './cells.ts'

function age(times: readonly unknown[], nowMs: number): string {
  const time = times.find((one) => typeof one === 'string')
  return dateCell(time as string | undefined, nowMs)
}

function lastSeen(event: AnyObject, nowMs: number): string {
  const { lastTimestamp, firstTimestamp, eventTime } = event
  return age([at(event, 'series', 'lastObservedTime'), lastTimestamp, firstTimestamp, eventTime], nowMs)
}

function involved(event: AnyObject): string {
  return `${text('involvedObject', 'kind')(event).toLowerCase()}/${text('involvedObject', 'name')(event)}`
}

/** Who tells of it, and which one of several. */
function source(event: AnyObject): string {
  const who = text('source', 'component')(event) || text('reportingComponent')(event)
  const which = text('source', 'host')(event) || text('reportingInstance')(event)
  return which === '' ? who : `${who}, ${which}`
}

/** Columns of events, which are looked at in the form of the core group. */
export function eventColumns(toCore: (object: AnyObject) => AnyObject): TableColumn[] {
  const of =
    (cell: (event: AnyObject, nowMs: number) => string): TableColumn['cell'] =>
    (object, nowMs) =>
      cell(toCore(object), nowMs)
  return [
    column('Last Seen', of(lastSeen)),
    column('Type', text('type')),
    column('Reason', text('reason')),
    column('Object', of(involved)),
    wide('Subobject', of(text('involvedObject', 'fieldPath'))),
    wide('Source', of(source)),
    column(
      'Message',
      of((event) => text('message')(event).trim()),
    ),
    wide(
      'First Seen',
      of(({ firstTimestamp, eventTime }, nowMs) => age([firstTimestamp, eventTime], nowMs)),
    ),
    wide('Count', (object) => countOf(toCore(object)), 'integer'),
    { ...nameColumn, priority: 1 },
  ]
}

/** An event that says nothing of others was one. */
function countOf(event: AnyObject): number {
  return number('series', 'count')(event) || number('count')(event) || 1
}
