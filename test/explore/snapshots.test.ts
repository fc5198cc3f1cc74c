import type { Controller } from '@locktender/runtime'
import { describe, expect, test } from 'vitest'
import { bugs } from './bugs/index.ts'
import { pairedSecrets } from './bugs/paired-secrets.ts'
import { snapshotsOf } from './support/snapshot.ts'

/**
 * What tests of one state in, one state out see of the same bugs. None: what goes wrong needs a crash, a state of the
 * past, one that was skipped, or somebody else. Should a story change so that such a test finds its bug, the story is
 * no measure for an explorer any more.
 */
describe('a snapshot test', () => {
  test.each(bugs.map((bug) => [bug.name, bug] as const))('does not see %s', async (_name, bug) => {
    const buggy = await snapshotsOf(bug.scenario('buggy'))
    expect(buggy).toEqual(await snapshotsOf(bug.scenario('repaired')))
    expect(buggy.length).toBeGreaterThan(0)
  })

  test('sees an ordinary mistake', async () => {
    const scenario = pairedSecrets.scenario('repaired')
    const forgetful = (): Controller => ({ ...scenario.processes['operator']!()[0]!, reconcile: async () => {} })
    const careless = { ...scenario, processes: { ...scenario.processes, operator: () => [forgetful()] } }
    expect(await snapshotsOf(careless)).not.toEqual(await snapshotsOf(scenario))
  })
})
