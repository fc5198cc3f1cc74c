import { describe, expect, test } from 'vitest'
import type { Choice } from './choice.ts'
import { Explorer } from './explore.ts'
import { failingPlan } from './plan-file.ts'
import type { Scenario } from './scenario.ts'
import { cached, configMap, controller, copier, put, scenario, target } from './scenarios.test-support.ts'
import { timeline, type TimelineOptions } from './timeline.ts'

async function told(given: Scenario, choices: readonly Choice[], options: TimelineOptions = {}): Promise<string> {
  const explorer = await Explorer.open(given)
  const plan = { scenario: given.name, choices }
  const replay = await explorer.replay(plan)
  const { oracle, message } = replay.findings[0] ?? { oracle: 'stuck', message: 'nothing is wrong' }
  return timeline(failingPlan({ oracle, message, plan }, 7), replay, options)
}

/** Makes `b` when it first sees `a`, and never looks at `a` again once `b` is there. */
const forgetful = () =>
  controller('forgetful', ['b'], async (world) => {
    const source = cached(world, 'a')
    if (source === undefined || cached(world, 'b') !== undefined) return
    await put(world, 'b', { x: source.data?.['x'] ?? '' })
  })

describe('a timeline', () => {
  test('tells of a restart with an old state, of what was not seen, and how the end differs', async () => {
    const steps = [{ change: target('a'), to: { data: { x: '2' } } }]
    const text = await told(
      scenario([forgetful], {
        clusters: { main: {} },
        steps: [{ create: configMap('a', { x: '1' }) }, { together: [...steps, { restart: 'forgetful' }] }],
      }),
      [
        { kind: 'order', at: 'before: step 1: create ConfigMap default/a', nth: 1, take: 'forgetful crashes' },
        {
          kind: 'request',
          at: 'forgetful b: patches configmaps default/b',
          nth: 1,
          take: 'crash before',
        },
        { kind: 'relist', at: 'forgetful starts again', nth: 2, take: 'after the next step' },
        { kind: 'relist', at: 'forgetful lists', nth: 9, take: 'the dawn of time' },
      ],
    )
    expect(text).toMatchInlineSnapshot(`
      "SCENARIO   test, found with seed 7
      WRONG      confluence: configmaps default/b differs: data.x is "2" instead of "1"
      UNUSUAL    out of turn: forgetful crashes (before: step 1: create ConfigMap default/a)
                 forgetful b: patches configmaps default/b: the process crashes before the server hears of it
                 forgetful starts again only after the next step
                 forgetful lists the dawn of time (this did not come up)

             0.000 s  forgetful                starts
      >>     0.000 s  unusual                  out of turn: forgetful crashes (before: step 1: create ConfigMap default/a)
             0.000 s  forgetful                crashes
             0.000 s  forgetful                starts
             0.000 s  outside                  create ConfigMap default/a
             0.000 s  outside                      configmaps default/a is created
                                                   data.x: "1"
             0.000 s  forgetful                reconciles b
      >>     0.000 s  unusual                  forgetful b: patches configmaps default/b: the process crashes before the server hears of it
             0.000 s  forgetful                crashes
      >>     0.000 s  unusual                  forgetful starts again only after the next step
             0.000 s  outside                  change ConfigMap default/a and restart forgetful
             0.000 s  outside                      configmaps default/a is changed
                                                   data.x: "1" -> "2"
             0.000 s  forgetful                starts
             0.000 s  forgetful                reconciles b
             0.000 s  forgetful                  patches configmaps default/b -> 201
             0.000 s  forgetful                    configmaps default/b is created
                                                   data.x: "2"
             0.000 s  forgetful                reconciles b: nothing to do
      !!     0.000 s  confluence               configmaps default/b differs: data.x is "2" instead of "1"

      At the end, against the usual order:
        configmaps default/b differs:
          data.x: expected "1", got "2"
      "
    `)
  })

  test('tells of two who set one field in turns', async () => {
    const fighter = (name: string, x: string) => () =>
      controller(name, ['b'], async (world) => {
        if (cached(world, 'b')?.data?.['x'] !== x) await put(world, 'b', { x })
      })
    const text = await told(scenario([fighter('left', '1'), fighter('right', '2')]), [])
    expect(text).toMatchInlineSnapshot(`
      "SCENARIO   test, found with seed 7
      WRONG      one writer: right and left take turns at data.x of configmaps default/b: "1", then "2", again and again
      UNUSUAL    nothing: it happens in the usual order

             0.000 s  left                     starts
             0.000 s  right                    starts
             0.000 s  left                     reconciles b
             0.000 s  left                       patches configmaps default/b -> 201
             0.000 s  left                         configmaps default/b is created
                                                   data.x: "1"
             0.000 s  right                    reconciles b
             0.000 s  right                      patches configmaps default/b -> 200
             0.000 s  right                        configmaps default/b is changed
                                                   data.x: "1" -> "2"
             0.000 s  left                     reconciles b
             0.000 s  left                       patches configmaps default/b -> 200
             0.000 s  left                         configmaps default/b is changed
                                                   data.x: "2" -> "1"
             0.000 s  right                    reconciles b
             0.000 s  right                      patches configmaps default/b -> 200
             0.000 s  right                        configmaps default/b is changed
                                                   data.x: "1" -> "2"
             0.000 s  left                     reconciles b
             0.000 s  left                         configmaps default/b is changed
                                                   data.x: "2" -> "1"
      !!     0.000 s  one writer               right and left take turns at data.x of configmaps default/b: "1", then "2", again and again
      "
    `)
  })

  test('tells of what a cache hears late, of refusals, and of reads on request', async () => {
    const steps = [{ change: target('a'), to: { data: { x: '2' } } }]
    const choices: readonly Choice[] = [
      { kind: 'request', at: 'first b: patches configmaps default/b', nth: 1, take: 'fails with 500' },
      {
        kind: 'cache',
        at: 'first: configmaps default/a is changed',
        nth: 1,
        take: 'hears of it when nothing else is left to do',
      },
      { kind: 'request', at: 'second c: patches configmaps default/c', nth: 1, take: 'answer lost' },
    ]
    const both = scenario([() => copier('first', 'a', 'b'), () => copier('second', 'b', 'c')], { steps })
    expect(await told(both, choices)).toMatchInlineSnapshot(`
      "SCENARIO   test, found with seed 7
      WRONG      nothing
      UNUSUAL    first b: patches configmaps default/b: the server answers 500
                 first: configmaps default/a is changed: it hears of it when nothing else is left to do
                 second c: patches configmaps default/c: the server does it, but the answer is lost

             0.000 s  first                    starts
             0.000 s  second                   starts
             0.000 s  first                    reconciles b
      >>     0.000 s  unusual                  first b: patches configmaps default/b: the server answers 500
             0.000 s  first                      patches configmaps default/b -> 500
             0.000 s  first                    b failed: Internal error occurred: an error that the explorer made
             0.000 s  second                   reconciles c: nothing to do
             0.005 s  first                    reconciles b
             0.005 s  first                      patches configmaps default/b -> 201
             0.005 s  first                        configmaps default/b is created
                                                   data.x: "1"
             0.005 s  second                   reconciles c
      >>     0.005 s  unusual                  second c: patches configmaps default/c: the server does it, but the answer is lost
             0.005 s  second                       configmaps default/c is created
                                                   data.x: "1"
             0.005 s  second                   c failed: PATCH /api/v1/namespaces/default/configmaps/c?fieldManager=c&force=true: no answer came
             0.005 s  first                    reconciles b: nothing to do
             0.005 s  second                   reconciles c: nothing to do
             0.005 s  outside                  change ConfigMap default/a
             0.005 s  outside                      configmaps default/a is changed
                                                   data.x: "1" -> "2"
      >>     0.005 s  unusual                  first: configmaps default/a is changed: it hears of it when nothing else is left to do
             0.005 s  second                   reconciles c: nothing to do
             0.005 s  first                    hears of configmaps
             0.005 s  first                    reconciles b
             0.005 s  first                      patches configmaps default/b -> 200
             0.005 s  first                        configmaps default/b is changed
                                                   data.x: "1" -> "2"
             0.005 s  second                   reconciles c
             0.005 s  second                     patches configmaps default/c -> 200
             0.005 s  second                       configmaps default/c is changed
                                                   data.x: "1" -> "2"
             0.005 s  first                    reconciles b: nothing to do
             0.005 s  second                   reconciles c: nothing to do
      "
    `)
    expect(await told(both, [], { all: true })).toMatchInlineSnapshot(`
      "SCENARIO   test, found with seed 7
      WRONG      nothing
      UNUSUAL    nothing: it happens in the usual order

             0.000 s  first                    starts
             0.000 s  second                   starts
             0.000 s  first                    reconciles b
             0.000 s  first                      patches configmaps default/b -> 201
             0.000 s  first                        configmaps default/b is created
                                                   data.x: "1"
             0.000 s  second                   reconciles c
             0.000 s  second                     patches configmaps default/c -> 201
             0.000 s  second                       configmaps default/c is created
                                                   data.x: "1"
             0.000 s  first                    reconciles b
             0.000 s  second                   reconciles c
             0.000 s  outside                  change ConfigMap default/a
             0.000 s  outside                      configmaps default/a is changed
                                                   data.x: "1" -> "2"
             0.000 s  first                    reconciles b
             0.000 s  first                      patches configmaps default/b -> 200
             0.000 s  first                        configmaps default/b is changed
                                                   data.x: "1" -> "2"
             0.000 s  second                   reconciles c
             0.000 s  second                     patches configmaps default/c -> 200
             0.000 s  second                       configmaps default/c is changed
                                                   data.x: "1" -> "2"
             0.000 s  first                    reconciles b
             0.000 s  second                   reconciles c
      "
    `)
  })
})
