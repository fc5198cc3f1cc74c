import { describe, expect, test } from 'vitest'
import { mayCall } from './outside.ts'

describe('mayCall', () => {
  const calls = ['https://id.example.com/', 'https://api.example.com/v1', 'http://']

  test.each([
    ['https://id.example.com/.well-known/openid-configuration?a=b', true],
    ['https://id.example.com', true],
    ['https://ID.example.com:443/x', true],
    ['https://id.example.com:8443/', false],
    ['https://id.example.com.other.org/', false],
    ['https://id.example.com@other.org/', false],
    ['https://user:secret@id.example.com/', false],
    ['https://api.example.com/v1', true],
    ['https://api.example.com/v1/users', true],
    ['https://api.example.com/v10', false],
    ['https://api.example.com/v1/../admin', false],
    ['http://anything.example.com/', true],
    ['ftp://id.example.com/', false],
    ['not a url', false],
  ])('%s: %s', (url, expected) => {
    expect(mayCall(calls, url)).toBe(expected)
  })

  test('nothing when nothing is declared', () => {
    expect(mayCall([], 'https://id.example.com/')).toBe(false)
  })
})
