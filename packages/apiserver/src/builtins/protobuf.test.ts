import { Buffer } from 'node:buffer'
import { ApiError } from '@locktender/kube'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeProtobuf } from './envelope.ts'
import { messageOfKind } from './field-table.ts'
import { arbitraryMessage, delimited, encodeMessage, envelope, integer, tag, varint } from './protobuf.test-support.ts'

const expected = { apiVersion: 'v1', kind: 'Anything' }
const decode = (apiVersion: string, kind: string, ...parts: Uint8Array[]): unknown =>
  decodeProtobuf(envelope(apiVersion, kind, Buffer.concat(parts)), expected)

const metadata = (name: string, ...more: Uint8Array[]): Buffer =>
  delimited(1, Buffer.concat([delimited(1, name), delimited(3, ''), ...more]))

describe('what clients send', () => {
  test('a config map with maps of text and of bytes, and empty text left out', () => {
    const entry = (number: number, key: string, value: string): Buffer =>
      delimited(number, Buffer.concat([delimited(1, key), delimited(2, value)]))
    expect(
      decode(
        'v1',
        'ConfigMap',
        // The zero time of an object that has not been created yet.
        metadata('settings', delimited(8, ''), integer(7, 0)),
        entry(2, 'a', '1'),
        entry(2, '', ''),
        entry(3, 'b', '\u0001'),
      ),
    ).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { a: '1', '': '' },
      binaryData: { b: 'AQ==' },
    })
  })

  test('a deployment: pointers keep zeros, structs stay, numbers or text, inline volumes', () => {
    const container = Buffer.concat([delimited(1, 'c'), delimited(2, 'image:1'), integer(18, 0)])
    const probe = delimited(
      10,
      Buffer.concat([delimited(1, delimited(2, delimited(2, portOf('http')))), integer(2, 0)]),
    )
    const volume = delimited(1, Buffer.concat([delimited(1, 'v'), delimited(2, delimited(2, ''))]))
    const podSpec = Buffer.concat([volume, delimited(2, Buffer.concat([container, probe])), integer(4, 0)])
    const rolling = Buffer.concat([delimited(1, portOf(1)), delimited(2, portOf('25%'))])
    const spec = Buffer.concat([
      integer(1, 0),
      delimited(3, Buffer.concat([delimited(1, ''), delimited(2, podSpec)])),
      delimited(4, Buffer.concat([delimited(1, ''), delimited(2, rolling)])),
      integer(5, 0),
    ])
    expect(decode('apps/v1', 'Deployment', metadata('d'), delimited(2, spec), delimited(3, ''))).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: {
        replicas: 0,
        template: {
          metadata: {},
          spec: {
            volumes: [{ name: 'v', emptyDir: {} }],
            containers: [{ name: 'c', image: 'image:1', livenessProbe: { httpGet: { port: 'http' } } }],
            terminationGracePeriodSeconds: 0,
          },
        },
        strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: '25%' } },
      },
      status: {},
    })
  })

  test('times, durations, quantities and negative numbers', () => {
    const at = (...parts: Uint8Array[]): Buffer => Buffer.concat(parts)
    expect(
      decode(
        'coordination.k8s.io/v1',
        'Lease',
        delimited(2, at(integer(2, -15), delimited(4, at(integer(1, 1_700_000_000), integer(2, 123_456_789))))),
      ),
    ).toMatchObject({ spec: { leaseDurationSeconds: -15, renewTime: '2023-11-14T22:13:20.123456Z' } })
    const limits = delimited(2, delimited(1, at(delimited(1, 'cpu'), delimited(2, delimited(1, '500m')))))
    expect(decode('v1', 'ResourceQuota', limits)).toMatchObject({ spec: { hard: { cpu: '500m' } } })
  })

  test('delete options of any group, and a schema with all it may hold', () => {
    expect(decode('apps/v1', 'DeleteOptions', integer(1, 0), delimited(4, 'Background'))).toEqual({
      apiVersion: 'apps/v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      propagationPolicy: 'Background',
    })
    const schema = Buffer.concat([
      delimited(5, 'object'),
      delimited(8, delimited(1, '{"a":[null]}')),
      delimited(30, integer(1, 0)),
      delimited(24, delimited(1, delimited(5, 'string'))),
      integer(38, 1),
      integer(39, 0),
    ])
    const version = delimited(
      7,
      Buffer.concat([delimited(1, 'v1'), integer(2, 1), integer(3, 0), delimited(4, delimited(1, schema))]),
    )
    expect(decode('apiextensions.k8s.io/v1', 'CustomResourceDefinition', delimited(2, version))).toMatchObject({
      spec: {
        versions: [
          {
            name: 'v1',
            served: true,
            storage: false,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                default: { a: [null] },
                additionalProperties: false,
                items: { type: 'string' },
                'x-kubernetes-preserve-unknown-fields': true,
              },
            },
          },
        ],
      },
    })
  })

  test('unknown fields of every wire type, and numbers packed or one by one', () => {
    const unknown = [
      integer(1000, 5),
      Buffer.concat([tag(1001, 1), Buffer.alloc(8)]),
      delimited(1002, 'x'),
      Buffer.concat([tag(1003, 3), integer(1, 1), tag(1003, 4)]),
      Buffer.concat([tag(1004, 5), Buffer.alloc(4)]),
    ]
    const codes = [integer(3, 1), delimited(3, Buffer.concat([varint(2), varint(300)]))]
    const rule = delimited(
      1,
      Buffer.concat([delimited(1, 'Ignore'), delimited(2, Buffer.concat([delimited(2, 'In'), ...codes]))]),
    )
    expect(decode('batch/v1', 'Job', ...unknown, delimited(2, delimited(11, rule)))).toMatchObject({
      spec: { podFailurePolicy: { rules: [{ onExitCodes: { operator: 'In', values: [1, 2, 300] } }] } },
    })
  })
})

function portOf(value: number | string): Buffer {
  return typeof value === 'number'
    ? Buffer.concat([integer(1, 0), integer(2, value), delimited(3, '')])
    : Buffer.concat([integer(1, 1), integer(2, 0), delimited(3, value)])
}

describe('what is refused', () => {
  const refusal = (run: () => unknown): string => {
    try {
      run()
    } catch (error) {
      if (error instanceof ApiError && error.code === 400 && error.reason === 'BadRequest') return error.message
      throw error
    }
    throw new Error('it was accepted')
  }

  test('bodies without the opening bytes, of unknown kinds, cut short, or of the wrong type', () => {
    expect(refusal(() => decodeProtobuf(Buffer.from('{}'), expected))).toBe(
      'the object provided is unrecognized (must be of type Anything): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (7b7d)',
    )
    expect(refusal(() => decode('v1', 'Nonsense'))).toBe('no kind "Nonsense" is registered for version "v1"')
    expect(refusal(() => decode('apps/v1', 'Pod'))).toContain('no kind "Pod"')
    expect(refusal(() => decode('v1', 'ConfigMap', tag(1, 2), varint(5)))).toBe(
      'ConfigMap in version "v1" cannot be handled as a Anything: unexpected EOF',
    )
    expect(refusal(() => decode('v1', 'ConfigMap', integer(1, 5)))).toContain(
      'proto: wrong wireType = 0 for field Metadata',
    )
    expect(refusal(() => decode('v1', 'ConfigMap', Buffer.from([0])))).toContain('proto: illegal tag 0')
  })

  test('nesting without end', () => {
    let schema: Uint8Array = Buffer.alloc(0)
    for (let depth = 0; depth < 5_000; depth++) schema = delimited(28, schema)
    const spec = delimited(2, delimited(7, delimited(4, delimited(1, schema))))
    expect(refusal(() => decode('apiextensions.k8s.io/v1', 'CustomResourceDefinition', spec))).toContain('max depth')
    const groups = Buffer.concat(Array.from({ length: 5_000 }, () => tag(99, 3)))
    expect(refusal(() => decode('v1', 'ConfigMap', groups))).toContain('max depth')
  })
})

/** The code a body would be answered with. Anything but a refusal meant for clients is thrown. */
function codeOf(body: Uint8Array): number {
  try {
    decodeProtobuf(body, expected)
    return 200
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.code
  }
}

const kinds = [
  ['v1', 'Pod'],
  ['v1', 'Service'],
  ['v1', 'Node'],
  ['apps/v1', 'StatefulSet'],
  ['batch/v1', 'CronJob'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
  ['admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy'],
  ['certificates.k8s.io/v1', 'CertificateSigningRequest'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['coordination.k8s.io/v1', 'Lease'],
] as const

describe.each(kinds)('%s %s', (apiVersion, kind) => {
  const message = messageOfKind(apiVersion, kind)!

  test('reads back whatever was written', () => {
    fc.assert(
      fc.property(arbitraryMessage(message), (value) => {
        const decoded = decodeProtobuf(envelope(apiVersion, kind, encodeMessage(message, value)), expected)
        expect(decoded).toEqual({ ...value, apiVersion, kind })
      }),
      { numRuns: 25 },
    )
  })

  test('spoilt bytes are read as something else or refused with 400, never worse', () => {
    fc.assert(
      fc.property(
        arbitraryMessage(message, 3),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (value, changes, cut) => {
          const bytes = envelope(apiVersion, kind, encodeMessage(message, value))
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte
          expect(codeOf(cut ? bytes.subarray(0, changes[0]![0] % bytes.length) : bytes)).toBeOneOf([200, 400])
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('any bytes at all are read or refused with 400', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...kinds), (bytes, [apiVersion, kind]) => {
      for (const body of [bytes, envelope(apiVersion, kind, bytes)]) {
        expect(codeOf(body)).toBeOneOf([200, 400])
      }
    }),
    { numRuns: 2_000 },
  )
})
