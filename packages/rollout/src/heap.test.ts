import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from './heap.ts'

test('gives back what was put in, smallest first, also when pushes and pops mix', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer())), (steps) => {
      const heap = new Heap<number>((left, right) => left < right)
      const model: number[] = []
      for (const step of steps) {
        if (step === null) {
          expect(heap.pop()).toBe(model.shift())
        } else {
          heap.push(step)
          model.push(step)
          model.sort((left, right) => left - right)
        }
        expect(heap.peek()).toBe(model[0])
      }
    }),
    { seed: 1 },
  )
})
