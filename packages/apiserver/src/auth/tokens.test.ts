import { expect, test } from 'vitest'
import { TokenStore } from './tokens.ts'

const user = { name: 'u', groups: ['g'] }

test('a token is known by its digest; others are not', () => {
  const tokens = new TokenStore(undefined)
  const token = tokens.issue(user)
  expect(tokens.userOf(token)).toEqual(user)
  expect(tokens.userOf(`${token}x`)).toBeUndefined()
  expect(tokens.userOf('')).toBeUndefined()
})

test('the oldest tokens of a user lapse, those of others stay', () => {
  const tokens = new TokenStore(undefined)
  const other = tokens.issue({ name: 'o', groups: [] })
  const issued = Array.from({ length: 17 }, () => tokens.issue(user))
  expect(tokens.userOf(issued[0]!)).toBeUndefined()
  expect(tokens.userOf(issued[1]!)).toEqual(user)
  expect(tokens.userOf(other)).toBeDefined()
})
