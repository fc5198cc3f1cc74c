import { describe, expect, test } from 'vitest'
import { VirtualClock } from '@locktender/kube'
import { rolloutStrategies, type RolloutStrategy } from '@locktender/fleet'
import { checkedObject } from './checked-file.ts'
import { isFile } from './strategy-source.ts'

const text = (stage: string, more = '') => `
apiVersion: locktender.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: fast }
spec:
  stages:
    - { name: all, selector: { environment: production }, canary: 2${stage} }
${more}`
const check = (yaml: string) =>
  checkedObject<RolloutStrategy>(rolloutStrategies, { path: 'fast.yaml', text: yaml }, new VirtualClock())

describe('a strategy in a file', () => {
  test('has the defaults that the server would give it', async () => {
    const { metadata, spec } = await check(text(', soak: 5m'))
    expect(metadata).toEqual({ name: 'fast' })
    expect(spec).toMatchObject({ approvals: 2, autoRevert: true, operationTimeout: '45m' })
    expect(spec.stages).toMatchObject([{ canary: 2, factor: 2, soak: '5m', finalSoak: '1h' }])
  })

  test.each([
    [text(', soak: soon'), /fast\.yaml: .*spec\.stages\[0\]\.soak: Invalid value: "soon"/],
    [text(', sokk: 5m'), /unknown field "spec\.stages\[0\]\.sokk"/],
    [text('', '  operationTimeout: 0s'), /leaves no time at all/],
    ['kind: Deployment', /it holds a Deployment, not a RolloutStrategy/],
    ['', /it holds no object with a kind/],
    ['a: [', /fast\.yaml: .*line 1/],
  ])('%# is refused with the file and what is wrong', async (yaml, message) => {
    await expect(check(yaml)).rejects.toThrow(message)
  })
})

test.each([
  ['default', false],
  ['fast.2', false],
  ['fast.yaml', true],
  ['./fast', true],
  ['-', true],
])('%j names a file: %j', (name, expected) => {
  expect(isFile(name)).toBe(expected)
})
