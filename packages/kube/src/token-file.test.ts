import { expect, test } from 'vitest'
import { readTokenFile } from './token-file.ts'
import { VirtualClock } from './virtual-clock.ts'

function files(contents: readonly (string | Error)[]) {
  let reads = 0
  const read = () => {
    const content = contents[Math.min(reads++, contents.length - 1)]!
    return content instanceof Error ? Promise.reject(content) : Promise.resolve(content)
  }
  return { read, reads: () => reads }
}

test('the token is read again after a minute and not before', async () => {
  const clock = new VirtualClock()
  const { read, reads } = files(['first\n', 'second\n'])
  const provider = readTokenFile({ read, fallback: undefined, clock })
  expect(await provider()).toEqual({ token: 'first' })
  await clock.advance(59_999)
  expect(await provider()).toEqual({ token: 'first' })
  expect(reads()).toBe(1)
  await clock.advance(1)
  expect(await provider()).toEqual({ token: 'second' })
})

test('a rejected token is read again at once', async () => {
  const { read } = files(['first', 'second'])
  const provider = readTokenFile({ read, fallback: undefined, clock: new VirtualClock() })
  expect(await provider(await provider())).toEqual({ token: 'second' })
})

test('while the file cannot be read, the last token holds, or the fallback', async () => {
  const clock = new VirtualClock()
  const gone = new Error('gone')
  const later = readTokenFile({ read: files(['first', gone]).read, fallback: 'spare', clock })
  await later()
  await clock.advance(60_000)
  expect(await later()).toEqual({ token: 'first' })
  expect(await readTokenFile({ read: files([gone]).read, fallback: 'spare', clock })()).toEqual({ token: 'spare' })
  await expect(readTokenFile({ read: files([gone]).read, fallback: undefined, clock })()).rejects.toBe(gone)
})

test('an empty file is no token', async () => {
  const provider = readTokenFile({ read: files(['\n']).read, fallback: undefined, clock: new VirtualClock() })
  expect(await provider()).toEqual({})
})
