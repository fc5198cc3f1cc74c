import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acceptedDivergences } from '../conformance/accepted.ts'
import type { Case } from '../conformance/case.ts'
import { Connection } from '../conformance/connection.ts'
import { readKubeconfig } from '../conformance/kubeconfig.ts'
import { LocalTarget } from '../conformance/local-target.ts'
import { runCases } from '../conformance/runner.ts'
import type { Result } from '../conformance/runner.ts'

/** Runs the cases, `parallel` at a time, against `lkt apiserver`, and makes a test of each. */
export function describeConformance(cases: readonly Case[], parallel: number, timeoutMs: number): void {
  const accepted = acceptedDivergences()
  const results = new Map<string, Result>()
  let server: LocalTarget

  beforeAll(async () => {
    server = await LocalTarget.start()
    const { kubeconfig } = server
    const connection = new Connection(await readKubeconfig(kubeconfig))
    const onResult = (result: Result): void => void results.set(result.id, result)
    try {
      await runCases(
        cases,
        { connection, kubeconfig, context: undefined, hub: { full: false, timed: false } },
        { parallel, onResult },
      )
    } finally {
      connection.close()
    }
  }, timeoutMs)

  afterAll(() => server.stop())

  describe('conformance of lkt apiserver', () => {
    test.each(cases.map(({ id, name }) => [id, name] as const))('%s %s', (id) => {
      const { outcome, reason } = results.get(id)!
      // A divergence that is accepted must be there, or else it is no longer one.
      expect({ outcome, reason: outcome === 'passed' || accepted.has(id) ? undefined : reason }).toEqual({
        outcome: accepted.has(id) ? 'failed' : 'passed',
        reason: undefined,
      })
    })
  })
}
