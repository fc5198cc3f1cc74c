import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { outcomeOf } from './check-cases.ts'
import { naiveAnswer } from './naive.test-support.ts'
import { questions } from './questions.test-support.ts'
import { COMPATIBLE } from './quirks.ts'

test.each(['tame', 'wild'] as const)('answers %s questions as the rules read literally do', (wildness) => {
  fc.assert(
    fc.property(questions(wildness), (question) => {
      expect(outcomeOf(question, COMPATIBLE)).toEqual(naiveAnswer(question))
    }),
    { seed: 1, numRuns: 5_000 },
  )
})
