import type { Answer, Obj } from './answer.ts'
import type { T } from './case.ts'
import { CRD } from './fixtures.ts'
import { including } from './match.ts'

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

/** Reads a definition as soon as its condition has this status. */
export function conditioned(t: T, name: string, type: string, status: string): Promise<Obj> {
  return t.eventually(async () =>
    (await t.get(`${CRD}/${name}`)).is(200, { status: { conditions: including({ type, status }) } }),
  )
}

export function conditionsOf(object: Obj): Record<string, Condition> {
  const { conditions = [] } = object.status as { conditions?: Condition[] }
  return Object.fromEntries(conditions.map((one) => [one.type, one]))
}

/** Nothing is served there; the answer may have any form. */
export function unserved(answer: Answer): void {
  if (answer.status !== 404) answer.fail('nothing must be served there')
}

/** A version with this schema of the spec. */
export function specified(spec: object, more: object = {}): object {
  return { schema: { openAPIV3Schema: { type: 'object', properties: { spec } } }, ...more }
}
