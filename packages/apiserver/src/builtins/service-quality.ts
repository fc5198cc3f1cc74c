import { at, recordsAt } from './cells.ts'

/** Which pods would have to go first on a node without memory. */
export function serviceQuality(pod: unknown): string {
  const amounts = ['containers', 'initContainers'].flatMap((list) =>
    recordsAt(pod, 'spec', list).map(({ resources }) => ({
      requests: (at(resources, 'requests') ?? {}) as Record<string, unknown>,
      limits: (at(resources, 'limits') ?? {}) as Record<string, unknown>,
    })),
  )
  if (amounts.every(({ requests, limits }) => Object.keys({ ...requests, ...limits }).length === 0)) return 'BestEffort'
  const guaranteed = amounts.every(({ requests, limits }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
