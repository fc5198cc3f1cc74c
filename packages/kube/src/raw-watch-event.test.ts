import { describe, expect, test } from 'vitest'
import { ConnectionError, expired } from './errors.ts'
import { RawWatchEvent } from './raw-watch-event.ts'

const object = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'ü', namespace: 'ns', resourceVersion: '7' },
  data: { text: '}{"type":"ADDED"' },
}
const line = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

describe('RawWatchEvent', () => {
  test.each(['ADDED', 'MODIFIED', 'DELETED'] as const)('%s: bytes, key and version of the object', (type) => {
    const event = RawWatchEvent.fromLine(line({ type, object }))
    expect([event.type, event.key, event.resourceVersion]).toEqual([type, 'ns/ü', '7'])
    expect(Buffer.from(event.bytes).toString()).toBe(JSON.stringify(object))
    expect(event.object()).toEqual(object)
    expect(event.object()).toBe(event.object())
  })

  test.each([
    `{"object":${JSON.stringify(object)},"type":"ADDED"}`,
    `{ "type" : "ADDED", "object" : ${JSON.stringify(object)} }\r`,
    `{"type":"ADDED","object":${JSON.stringify(object)}} `,
  ])('unusual but right: %s', (text) => {
    const event = RawWatchEvent.fromLine(line(text))
    expect([event.type, event.key]).toEqual(['ADDED', 'ns/ü'])
    expect(JSON.parse(Buffer.from(event.bytes).toString())).toEqual(object)
  })

  test.each([
    '{}',
    'null',
    '[]',
    '{"type":"ADDED"}',
    '{"type":"ADDED","object":null}',
    '{"type":"ADDED","object":{}}',
    'plain text',
    '{"type":"ADDED","object":{"metadata":{}',
  ])('not an event: %s', (text) => {
    expect(() => RawWatchEvent.fromLine(line(text)).object()).toThrow(ConnectionError)
  })

  test('the bookmark that ends the initial events is known', () => {
    const bookmark = (annotations?: Record<string, string>) =>
      RawWatchEvent.fromLine(
        line({
          type: 'BOOKMARK',
          object: { kind: 'A', apiVersion: 'v1', metadata: { resourceVersion: '9', annotations } },
        }),
      )
    expect(bookmark({ 'k8s.io/initial-events-end': 'true' }).endsInitialEvents).toBe(true)
    expect(bookmark().endsInitialEvents).toBe(false)
    expect(bookmark().resourceVersion).toBe('9')
  })

  test('an ERROR event carries an error', () => {
    const error = RawWatchEvent.fromLine(line({ type: 'ERROR', object: expired('too old').status })).error()
    expect([error.code, error.reason, error.message]).toEqual([410, 'Expired', 'too old'])
  })
})
