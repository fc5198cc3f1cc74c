import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { at, recordsAt, text } from './cells.ts'

/** How many metrics are shown before the others are counted. */
const SHOWN = 2
const UNKNOWN = '<unknown>'

/** What an autoscaler looks at, and where that is to be: `cpu: 10%/50%`. */
export function metricsCell(object: AnyObject): string {
  const metrics = recordsAt(object, 'spec', 'metrics')
  if (metrics.length === 0) return '<none>'
  const current = recordsAt(object, 'status', 'currentMetrics')
  const cells = metrics.slice(0, SHOWN).map((metric, index) => metricText(metric, current[index]))
  const rest = metrics.length - SHOWN
  return rest > 0 ? `${cells.join(', ')} + ${rest} more...` : cells.join(', ')
}

function metricText(metric: Readonly<Record<string, unknown>>, status: unknown): string {
  const type = text('type')(metric)
  const field = type === '' ? '' : type[0]!.toLowerCase() + type.slice(1)
  const target = at(metric, field, 'target')
  const now = at(status, field, 'current')
  const amounts = (name: string, unit = ''): string => {
    const [is, wanted] = [at(now, name), at(target, name)].map((value) =>
      typeof value === 'string' || typeof value === 'number' ? `${value}${unit}` : undefined,
    )
    return `${is ?? UNKNOWN}/${wanted ?? '<auto>'}`
  }
  const averages = isRecord(target) && target['averageValue'] !== undefined
  switch (type) {
    case 'Pods':
      return amounts('averageValue')
    case 'Object':
    case 'External':
      return averages ? `${amounts('averageValue')} (avg)` : amounts('value')
    case 'Resource':
    case 'ContainerResource':
      return `${text(field, 'name')(metric)}: ${averages ? amounts('averageValue') : amounts('averageUtilization', '%')}`
    default:
      return '<unknown type>'
  }
}
