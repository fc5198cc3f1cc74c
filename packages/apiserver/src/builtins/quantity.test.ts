import { expect, test } from 'vitest'
import { canonicalQuantity } from './quantity.ts'

test.each([
  ['0', '0'],
  ['1000m', '1'],
  ['0.5', '500m'],
  ['1500m', '1500m'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Ki', '512'],
  ['0.1Gi', '107374183'],
  ['1e3', '1e3'],
  ['12E', '12E'],
  ['100M', '100M'],
  ['+5', '5'],
  ['-0.25', '-250m'],
  ['.5', '500m'],
  ['1n', '1n'],
  ['0.0000000001', '1n'],
  ['00100', '100'],
  ['123456789', '123456789'],
])('%s is written %s', (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical)
  expect(canonicalQuantity(canonical)).toBe(canonical)
})

test.each(['', 'x', '1x', '1 Gi', 'Gi', '1.2.3', '--1', '1ki'])('%j is no quantity', (text) => {
  expect(canonicalQuantity(text)).toBeUndefined()
})
