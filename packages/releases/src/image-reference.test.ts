import { describe, expect, test } from 'vitest'
import { imageDigest, parseImageReference, sameImage } from './image-reference.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

describe('an image reference', () => {
  test.each([
    [`quay.io/acme/operator@${digest}`, { registry: 'quay.io', repository: 'acme/operator', digest }],
    ['quay.io/acme/operator:v1', { registry: 'quay.io', repository: 'acme/operator', tag: 'v1' }],
    [`registry:5000/operator:v1@${digest}`, { registry: 'registry:5000', repository: 'operator', tag: 'v1', digest }],
    ['localhost/operator', { registry: 'localhost', repository: 'operator' }],
    ['acme/operator', { registry: '', repository: 'acme/operator' }],
    ['operator:v1', { registry: '', repository: 'operator', tag: 'v1' }],
  ])('%s is taken apart', (text, expected) => {
    expect(parseImageReference(text)).toEqual(expected)
  })

  test.each([
    ['', 'it is empty'],
    [`quay.io/acme/operator@${digest} `, 'it contains a blank'],
    ['quay.io/acme/operator@sha256:abc', 'its digest "sha256:abc" is not'],
    [`quay.io/acme/operator@${digest.toUpperCase()}`, 'its digest'],
    ['quay.io/Acme/operator', '"Acme/operator" is not a repository name'],
    ['quay.io/acme/operator:', '"" is not a tag'],
    ['-quay.io/acme', '"-quay.io" is not a registry host'],
    ['quay.io/', '"" is not a repository name'],
  ])('%j is refused in words', (text, why) => {
    expect(() => parseImageReference(text)).toThrow(`"${text}" is not an image reference: ${why}`)
  })

  test('gives its digest', () => {
    expect(imageDigest(`quay.io/acme/operator@${digest}`)).toBe(digest)
  })

  test.each([
    ['quay.io/acme/operator:v1', 'has the tag "v1" and no digest'],
    ['quay.io/acme/operator', 'has neither tag nor digest'],
  ])('%s without a digest is refused with what, why and what to do', (text, what) => {
    expect(() => imageDigest(text)).toThrow(
      `image "${text}" ${what}: a tag can point to other content tomorrow, and then control planes of one rollout would differ; use the digest`,
    )
  })

  test('is the same image wherever it is mirrored', () => {
    expect(sameImage(`quay.io/acme/operator@${digest}`, `mirror.local/acme/operator@${digest}`)).toBe(true)
    expect(sameImage('quay.io/acme/operator:v1', 'quay.io/acme/operator:v1')).toBe(true)
    expect(sameImage('quay.io/acme/operator:v1', 'mirror.local/acme/operator:v1')).toBe(false)
    expect(sameImage('quay.io/acme/operator', 'quay.io/acme/agent')).toBe(false)
  })
})
