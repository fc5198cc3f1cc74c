import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { durationCell } from '../present/table-cells.ts'
import { at, number, recordsAt, text } from './cells.ts'

/** How many containers of a pod are ready, of how many. */
export function podReadyCell(object: AnyObject): string {
  const ready = recordsAt(object, 'status', 'containerStatuses').filter((one) => one['ready'] === true).length
  return `${ready}/${recordsAt(object, 'spec', 'containers').length}`
}

/** The state of a pod in one word, as kubectl users know it: the reason of what ails it, or its phase. */
export function podStatus(object: AnyObject): string {
  const reason = text('status', 'reason')(object)
  if (object.metadata.deletionTimestamp !== undefined) return reason === 'NodeLost' ? 'Unknown' : 'Terminating'
  const containers = recordsAt(object, 'status', 'containerStatuses')
  const ailing = containers.map(containerReason).findLast((found) => found !== undefined)
  if (ailing === 'Completed' && containers.some((one) => at(one, 'state', 'running') !== undefined)) return 'Running'
  return ailing ?? (reason || text('status', 'phase')(object) || 'Unknown')
}

function containerReason(status: Record<string, unknown>): string | undefined {
  const waiting = text('state', 'waiting', 'reason')(status)
  if (waiting !== '') return waiting
  const terminated = at(status, 'state', 'terminated')
  if (!isRecord(terminated)) return undefined
  const { reason, signal, exitCode } = terminated
  if (typeof reason === 'string' && reason !== '') return reason
  return typeof signal === 'number' && signal !== 0 ? `Signal:${signal}` : `ExitCode:${Number(exitCode ?? 0)}`
}

/** How often containers of a pod were restarted, and when last. */
export function podRestarts(object: AnyObject, nowMs: number): string {
  const containers = recordsAt(object, 'status', 'containerStatuses')
  const restarts = containers.reduce((sum, one) => sum + number('restartCount')(one), 0)
  const times = containers
    .map((one) => text('lastState', 'terminated', 'finishedAt')(one))
    .filter((time) => time !== '')
  const last = times.toSorted().at(-1)
  return restarts === 0 || last === undefined
    ? String(restarts)
    : `${restarts} (${durationCell(nowMs - Date.parse(last))} ago)`
}

/** How long a job took, or has been running. */
export function jobDuration(object: AnyObject, nowMs: number): string {
  const started = text('status', 'startTime')(object)
  if (started === '') return ''
  const ended = text('status', 'completionTime')(object)
  return durationCell((ended === '' ? nowMs : Date.parse(ended)) - Date.parse(started))
}
