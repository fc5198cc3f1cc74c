import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { acceptedDivergences } from './conformance/accepted.ts'
import { allCases } from './conformance/cases.ts'
import { Connection } from './conformance/connection.ts'
import { readKubeconfig } from './conformance/kubeconfig.ts'
import { LocalTarget } from './conformance/local-target.ts'
import { runCases } from './conformance/runner.ts'
import type { Result } from './conformance/runner.ts'

const accepted = acceptedDivergences()
const results = new Map<string, Result>()
let server: LocalTarget

beforeAll(async () => {
  server = await LocalTarget.start()
  const { kubeconfig } = server
  const connection = new Connection(await readKubeconfig(kubeconfig))
  try {
    await runCases(
      allCases,
      { connection, kubeconfig, context: undefined },
      {
        parallel: 6,
        onResult: (result) => results.set(result.id, result),
      },
    )
  } finally {
    connection.close()
  }
}, 180_000)

afterAll(() => server.stop())

describe('conformance of lkt apiserver', () => {
  test.each(allCases.map(({ id, name }) => [id, name] as const))('%s %s', (id) => {
    const { outcome, reason } = results.get(id)!
    // A divergence that is accepted must be there, or else it is no longer one.
    expect({ outcome, reason: outcome === 'passed' || accepted.has(id) ? undefined : reason }).toEqual({
      outcome: accepted.has(id) ? 'failed' : 'passed',
      reason: undefined,
    })
  })
})
