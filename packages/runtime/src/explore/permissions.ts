import { forbidden, type ApiError, type Resource, type TransportRequest } from '@locktender/kube'
import { targetOf } from '../api-path.ts'
import type { PreparedServer } from './prepared-server.ts'
import type { AccessVerb } from './scenario.ts'

interface Denial {
  readonly process: string
  readonly server: PreparedServer
  readonly group: string
  readonly plural: string
  /** Every verb when absent. */
  readonly verbs: readonly AccessVerb[] | undefined
}

/** What processes may not do at the moment; everything else they may. */
export class Permissions {
  #denials: readonly Denial[] = []

  get all(): readonly Denial[] {
    return this.#denials
  }

  deny(process: string, server: PreparedServer, { group, plural }: Resource, verbs?: readonly AccessVerb[]): void {
    this.#denials = [...this.#denials, { process, server, group, plural, verbs }]
  }

  allow(process: string, server: PreparedServer, { group, plural }: Resource): void {
    const isMeant = (denial: Denial): boolean =>
      denial.process === process && denial.server === server && denial.plural === plural && denial.group === group
    this.#denials = this.#denials.filter((denial) => !isMeant(denial))
  }

  /** How an API server refuses a request of a process; undefined when it does not. */
  refusal(process: string, server: PreparedServer, request: TransportRequest): ApiError | undefined {
    if (this.#denials.length === 0) return undefined
    const target = targetOf(request.path)
    if (target === undefined) return undefined
    const { group, plural, namespace, name } = target
    const verb = verbOf(request, name)
    const isDenied = this.#denials.some(
      (denial) =>
        denial.process === process &&
        denial.server === server &&
        denial.group === group &&
        denial.plural === plural &&
        (denial.verbs?.includes(verb) ?? true),
    )
    if (!isDenied) return undefined
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
    const why = `User "${process}" cannot ${verb} resource "${plural}" in API group "${group}" ${where}`
    return forbidden({ group, resource: plural }, name ?? '', why)
  }
}

function verbOf({ method }: TransportRequest, name: string | undefined): AccessVerb {
  if (method === 'GET') return name === undefined ? 'list' : 'get'
  return ({ POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const)[method]
}
