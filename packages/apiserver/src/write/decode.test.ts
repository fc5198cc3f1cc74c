import { beforeEach, describe, expect, test } from 'vitest'
import { CM, openTestCluster, statusOf, W, widget } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'

const MERGE = 'application/merge-patch+json'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await openTestCluster()
})

function configMap(name: string, data: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}

async function said(method: 'POST' | 'PATCH', path: string, body: unknown, type = 'application/json') {
  const answer = await cluster.send(method, path, { body, type })
  return [answer.code, statusOf(answer).message]
}

// Answers of a kube-apiserver 1.35 to the same requests.
describe('objects that are none', () => {
  test.each([
    [
      CM,
      '[]',
      "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct",
    ],
    [CM, '{', "couldn't get version/kind; json parse error: unexpected end of JSON input ({)"],
    [W, '{}', "Object 'Kind' is missing in '{}' ({})"],
    [W, '{"kind":5}', 'cannot unmarshal number into Go struct field .kind of type string ({"kind":5})'],
  ])('%s %s', async (path, body, why) => {
    const [code, message] = await said('POST', path, body)
    expect(code).toBe(400)
    expect(message).toMatch(/^the object provided is unrecognized \(must be of type (ConfigMap|Widget)\): /)
    expect(message).toContain(why)
  })

  test.each([
    [
      { ...configMap('a'), kind: 'Secret' },
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ],
    [
      { ...configMap('a'), apiVersion: 'v2' },
      'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"',
    ],
  ])('of another kind: %j', async (body, message) => {
    expect(await said('POST', CM, body)).toEqual([400, message])
  })
})

describe('metadata of wrong types', () => {
  test.each([
    [{ labels: { a: 1 } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string'],
    [{ labels: 'x' }, 'json: cannot unmarshal string into Go struct field ObjectMeta.labels of type map[string]string'],
    [{ finalizers: [5] }, 'json: cannot unmarshal number into Go struct field ObjectMeta.finalizers of type string'],
    [{ uid: 5 }, 'json: cannot unmarshal number into Go struct field ObjectMeta.uid of type types.UID'],
    [{ generation: 1.5 }, 'json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.generation of type int64'],
    [
      { ownerReferences: [{ kind: 5 }] },
      'json: cannot unmarshal number into Go struct field OwnerReference.ownerReferences.kind of type string',
    ],
    [
      { managedFields: {} },
      'json: cannot unmarshal object into Go struct field ObjectMeta.managedFields of type []v1.ManagedFieldsEntry',
    ],
    [{ creationTimestamp: 'x' }, 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
  ])('%j', async (metadata, why) => {
    const expected = [400, `Widget in version "v1" cannot be handled as a Widget: ${why}`]
    expect(await said('POST', W, widget('a', {}, metadata))).toEqual(expected)
  })

  test('in a patch they make the object invalid', async () => {
    await cluster.send('POST', CM, { body: configMap('a') })
    const [code, message] = await said('PATCH', `${CM}/a`, { metadata: { labels: { a: 1 } } }, MERGE)
    expect(code).toBe(422)
    expect(message).toMatch(/^ "" is invalid: patch: Invalid value: "\{.*ObjectMeta\.metadata\.labels of type string$/)
  })
})

describe('patches that are none', () => {
  test.each([
    ['{', MERGE, 'error decoding patch: unexpected end of JSON input'],
    ['[]', MERGE, 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['null', MERGE, 'Invalid JSON Patch'],
    [
      '{}',
      'application/json-patch+json',
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    ],
    [
      '[]',
      'application/strategic-merge-patch+json',
      'json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
  ])('%s as %s', async (body, type, message) => {
    await cluster.send('POST', CM, { body: configMap('a') })
    expect(await said('PATCH', `${CM}/a`, body, type)).toEqual([400, message])
    expect((await said('PATCH', `${CM}/b`, body, type))[0]).toBe(404)
  })
})

test('an answer may be in YAML', async () => {
  await cluster.send('POST', CM, { body: configMap('a', { yes: 'on' }) })
  const answer = await cluster.send('GET', `${CM}/a`, { accept: 'application/yaml' })
  expect(answer.headers['content-type']).toBe('application/yaml')
  expect(answer.text).toContain('data:\n  "yes": "on"\nkind: ConfigMap\n')
})
