import { expect, test } from 'vitest'
import type { ReplayDocument, RunDocument } from './replay-document.ts'
import { renderReplay } from './replay-view.ts'

const record: RunDocument = {
  phase: 'Completed',
  verdict: { outcome: 'Clear', rule: 'Gate', reason: 'Cleared', message: '0 of 14 treated targets failed.' },
  treated: 14,
  failed: 0,
  unhealthy: 0,
  reverted: 0,
  endedAt: '2026-01-05T11:00:00Z',
  waves: [
    { stage: 'stage', wave: 1, controlPlanes: 4, openedAt: '2026-01-05T07:10:00Z', closedAt: '2026-01-05T08:30:00Z' },
    { stage: 'production', wave: 1, controlPlanes: 10, openedAt: '2026-01-05T08:30:00Z' },
  ],
}
const whole: ReplayDocument = {
  apiVersion: 'cli.locktender.dev/v1',
  kind: 'RolloutReplay',
  entries: 120,
  lives: 1,
  decisions: 31,
  reproduced: true,
  differences: 0,
  record,
}

test('all of it is the same', () => {
  expect(renderReplay(whole)).toMatchInlineSnapshot(`
    "REPLAYED  120 entries, 1 life of the engine: all 31 decisions are the same, bit for bit
    PHASE     Completed 2026-01-05 11:00 UTC, 3h50m after the first wave
    RESULT    14 control planes asked, 0 failed, 0 became unhealthy, 0 reverted
    VERDICT   go on: 0 of 14 treated targets failed.

    Times are UTC.
    STAGE        WAVE   CONTROL-PLANES   OPENED             AFTER   TOOK
    stage        1      4                2026-01-05 07:10   0s      1h20m
    production   1      10               2026-01-05 08:30   1h20m   <none>
    "
  `)
})

test('something is not', () => {
  const firstDifference = { line: 77, recorded: [{ type: 'halt' }], decidedNow: 'x'.repeat(300) }
  const text = renderReplay({ ...whole, lives: 2, reproduced: false, differences: 3, firstDifference })
  expect(text).toContain(
    'DIFFERENT 120 entries, 2 lives of the engine: 3 steps are not what the log says; the first at line 77\n',
  )
  expect(text).toContain('RECORDED  [{"type":"halt"}]\n')
  expect(text).toMatch(/^NOW {7}"x{199}…$/m)
})

test('nothing was decided yet', () => {
  const { record: _, ...nothing } = whole
  expect(renderReplay({ ...nothing, decisions: 0 })).toMatch(/Nothing was decided yet\.\n$/)
})

test('by another strategy', () => {
  const run: RunDocument = {
    ...record,
    phase: 'Reverted',
    verdict: { outcome: 'Halt', rule: 'SequentialTest', reason: 'FailureRateTooHigh', message: '3 of 4 failed.' },
    failed: 3,
    reverted: 4,
    exposedAtHalt: 4,
    haltedAt: '2026-01-05T07:40:00Z',
    endedAt: '2026-01-05T08:00:00Z',
    waves: record.waves.slice(0, 1),
  }
  const unknown = { treated: 2, reverted: 4, caps: 0 }
  expect(renderReplay({ ...whole, instead: { strategy: 'fast', run, unknown, unplaced: 1 } })).toMatchInlineSnapshot(`
    "REPLAYED  120 entries, 1 life of the engine: all 31 decisions are the same, bit for bit
    INSTEAD   by strategy fast, with what was recorded of the fleet. Times are UTC.

    WHAT               RECORDED                         INSTEAD
    phase              Completed                        Reverted
    first wave         2026-01-05 07:10                 2026-01-05 07:10
    waves              2                                1
    halted             <none>                           2026-01-05 07:40 (after 30m)
      by               <none>                           SequentialTest
      asked by then    <none>                           4
    ended              2026-01-05 11:00 (after 3h50m)   2026-01-05 08:00 (after 50m)
    asked              14                               14
    failed             0                                3
    became unhealthy   0                                0
    reverted           0                                4
    SUPPOSED  2 control planes that the record did not treat to the end: taken to go well in the median time
    SUPPOSED  4 reverts that the record does not have: taken to go well in the median time
    LEFT OUT  1 control plane in no stage of this strategy; stages are told by their names

    AS RECORDED
    STAGE        WAVE   CONTROL-PLANES   OPENED             AFTER   TOOK
    stage        1      4                2026-01-05 07:10   0s      1h20m
    production   1      10               2026-01-05 08:30   1h20m   <none>

    INSTEAD
    STAGE   WAVE   CONTROL-PLANES   OPENED             AFTER   TOOK
    stage   1      4                2026-01-05 07:10   0s      1h20m
    "
  `)
  const known = renderReplay({
    ...whole,
    instead: { strategy: 'fast', run, unknown: { treated: 0, reverted: 0, caps: 0 }, unplaced: 0 },
  })
  expect(known).toContain('Nothing had to be supposed')
})
