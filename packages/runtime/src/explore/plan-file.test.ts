import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Choice } from './choice.ts'
import { choiceOf, perturbationOf } from './perturbation.ts'
import { type FailingPlan, parsePlan, printPlan } from './plan-file.ts'

const CHOICES: readonly Choice[] = [
  {
    kind: 'request',
    at: 'operator/nodes default/db: patches databases.zoo.example.com/status default/db',
    nth: 3,
    take: 'crash after',
  },
  { kind: 'request', at: 'operator/nodes default/db: creates pods default', nth: 2, take: 'crash before' },
  { kind: 'request', at: 'nodes pod default/db-1: reads pods default', nth: 1, take: 'no connection' },
  { kind: 'request', at: 'networks db: asks https://cloud.example.com/networks', nth: 1, take: 'no connection' },
  { kind: 'request', at: 'networks db: deletes nodes node-1', nth: 1, take: 'answer lost' },
  {
    kind: 'cache',
    at: 'operator: databases.zoo.example.com default/db is deleted',
    nth: 1,
    take: 'hears only of the last state after the next step',
  },
  {
    kind: 'cache',
    at: 'operator: pods default/db-0 is changed (read of default app=db)',
    nth: 2,
    take: 'hears of it when nothing else is left to do',
  },
  { kind: 'relist', at: 'operator starts again', nth: 1, take: 'after the next step' },
  {
    kind: 'relist',
    at: 'operator lists',
    nth: 1,
    take: 'pods as they were before the last 3 changes of pods, and hears of the rest when nothing else is left to do',
  },
  {
    kind: 'relist',
    at: 'operator lists',
    nth: 2,
    take: 'everything as it was before the last change of pods (read of default), and hears of the rest after the next step',
  },
  { kind: 'order', at: 'before: operator/nodes begins default/db', nth: 12, take: 'operator crashes' },
  { kind: 'order', at: 'before: operator hears of pods', nth: 1, take: 'time passes to the next timer' },
  { kind: 'order', at: 'before: step 2: settle', nth: 1, take: 'step 4: change Database default/db' },
]

const plan: FailingPlan = {
  scenario: 'lost-deletion',
  seed: 7,
  source: { scenario: '../lost-deletion.ts' },
  oracle: 'confluence',
  message: 'secrets default/db should not be there',
  withoutSteps: [2],
  choices: CHOICES,
}

describe('plans', () => {
  test('say what happens in the words of Sieve', () => {
    expect(printPlan({ ...plan, choices: [CHOICES[0]!, CHOICES[5]!, CHOICES[8]!, CHOICES[10]!] }))
      .toBe(`apiVersion: test.locktender.dev/v1alpha1
kind: FailingPlan
scenario: lost-deletion
source:
  scenario: ../lost-deletion.ts
seed: 7
failure:
  oracle: confluence
  message: secrets default/db should not be there
withoutSteps:
  - 2
perturbations:
  - action: restartController
    controller: operator
    trigger:
      observationPoint: afterControllerWrite
      by: operator/nodes
      key: default/db
      verb: patch
      resource: databases.zoo.example.com/status
      object: default/db
      occurrence: 3
  - action: skipEvents
    controller: operator
    until: the next step
    trigger:
      observationPoint: beforeControllerRecv
      resource: databases.zoo.example.com
      object: default/db
      event: deleted
      occurrence: 1
  - action: reconnectController
    controller: operator
    view:
      caches: one
      of: pods
      changesBefore: 3
    until: nothing else is left to do
    trigger:
      observationPoint: beforeControllerList
      occurrence: 1
  - action: restartController
    controller: operator
    trigger:
      observationPoint: beforeAction
      before: operator/nodes begins default/db
      occurrence: 12
`)
  })

  test('have a word for every choice that an explorer makes', () => {
    expect(CHOICES.map((choice) => perturbationOf(choice).action)).not.toContain('choose')
    expect(CHOICES.map((choice) => choiceOf(perturbationOf(choice)))).toEqual(CHOICES)
  })

  test('read back as what was printed', () => {
    const word = fc.string({ minLength: 1 })
    const choice = fc.oneof(
      fc.record({
        kind: fc.constantFrom('order' as const, 'cache' as const, 'relist' as const, 'request' as const),
        at: word,
        nth: fc.integer({ min: 1, max: 1000 }),
        take: word,
      }),
      fc
        .tuple(fc.constantFrom(...CHOICES), fc.constantFrom(...CHOICES), fc.boolean(), word)
        .map(([one, other, ends, text]) => ({
          ...one,
          ...(ends ? { at: `${one.at}${text}` } : { take: other.take }),
        })),
    )
    fc.assert(
      fc.property(
        fc.record(
          {
            scenario: word,
            seed: fc.nat(),
            source: fc.record({ sequence: word, binary: word }, { requiredKeys: [] }),
            oracle: fc.constantFrom('confluence' as const, 'one writer' as const, 'stuck' as const),
            message: word,
            withoutSteps: fc.array(fc.integer({ min: 1, max: 99 })),
            choices: fc.array(choice, { maxLength: 5 }),
          },
          { requiredKeys: ['scenario', 'oracle', 'message', 'withoutSteps', 'choices'] },
        ),
        (given) => {
          expect(parsePlan(printPlan(given), 'plan.yaml')).toEqual(given)
        },
      ),
      { numRuns: 300, seed: 5 },
    )
  })

  test.each([
    ['kind: FailingPlan', 'kind: Plan', 'plan.yaml:2: kind: must be one of FailingPlan'],
    ['scenario: lost-deletion', '', 'plan.yaml:1: scenario is missing'],
    ['oracle: confluence', 'oracle: luck', 'plan.yaml:8: failure.oracle: must be one of convergence, '],
    ['- 2', '- none', 'plan.yaml:11: withoutSteps[0]: must be a whole number from 1 on'],
    ['- action: restartController', '- action: kill', 'plan.yaml:13: perturbations[0].action: must be one of restart'],
    ['occurrence: 3', 'occurrence: 0', 'plan.yaml:22: perturbations[0].trigger.occurrence: must be a whole number'],
    [
      '      by: operator/nodes',
      '      who: me',
      'plan.yaml:17: perturbations[0].trigger.who: is not known here; known',
    ],
    [
      '      verb: patch\n',
      '',
      'plan.yaml:13: perturbations[0]: says too little, or what does not go together, for the action restartController',
    ],
    ['source:\n', 'source: [\n', 'plan.yaml:'],
  ])('with %s changed to %s are refused with the place', (from, to, message) => {
    const text = printPlan({ ...plan, choices: [CHOICES[0]!] })
    expect(text).toContain(from)
    expect(() => parsePlan(text.replace(from, to), 'plan.yaml')).toThrow(message)
  })
})
