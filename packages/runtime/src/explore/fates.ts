import { conflict, internalError, tooManyRequests, type ApiError, type TransportRequest } from '@locktender/kube'
import { targetOf } from '../api-path.ts'
import type { Budget } from './choices.ts'

/** What becomes of a request, other than being answered. */
export type Fate =
  | 'late'
  | 'crash before'
  | 'crash after'
  | 'answer lost'
  | 'conflict'
  | 'fails with 500'
  | 'fails with 429'
  | 'no connection'

/** Which limit of a schedule each of them counts against. */
export const budgetOf: Readonly<Record<Fate, Budget>> = {
  late: 'reorderings',
  'crash before': 'restarts',
  'crash after': 'restarts',
  'answer lost': 'lostAnswers',
  conflict: 'conflicts',
  'fails with 500': 'failures',
  'fails with 429': 'failures',
  'no connection': 'failures',
}

const READ_FATES: readonly Fate[] = ['fails with 500', 'fails with 429', 'no connection']
const WRITE_FATES: readonly Fate[] = ['crash before', 'crash after', 'answer lost', 'late', 'conflict', ...READ_FATES]
const CREATE_FATES: readonly Fate[] = WRITE_FATES.filter((fate) => fate !== 'conflict')
const OUTSIDE_FATES: readonly Fate[] = ['no connection']

/** What may become of an operation; without a request it is one to the outside. */
export function fatesOf(request: TransportRequest | undefined): readonly Fate[] {
  if (request === undefined) return OUTSIDE_FATES
  if (request.method === 'GET') return READ_FATES
  // A new object has no earlier version to be in conflict with.
  return request.method === 'POST' ? CREATE_FATES : WRITE_FATES
}

/** The answer of a server that refuses a request for no reason of its own. */
export function refusalBy(fate: Fate | undefined, request: TransportRequest): ApiError | undefined {
  switch (fate) {
    case 'fails with 500':
      return internalError('an error that the explorer made')
    case 'fails with 429':
      return tooManyRequests('The server has received too many requests, please try again later.', 1)
    case 'conflict': {
      const { group = '', plural = '', name = '' } = targetOf(request.path) ?? {}
      const why = 'the object has been modified; please apply your changes to the latest version and try again'
      return conflict({ group, resource: plural }, name, why)
    }
    default:
      return undefined
  }
}
