import { beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'

// What a kube-apiserver 1.35 answers to the same requests.

let cluster: TestCluster
beforeEach(async () => {
  cluster = await openTestCluster()
})

const CORE = '/api/v1/namespaces/team/events'
const GROUPED = '/apis/events.k8s.io/v1/namespaces/team/events'
const about = { kind: 'ConfigMap', namespace: 'team', name: 'c' }
const eventTime = '2024-01-01T00:00:00.123456Z'
const whole = {
  eventTime,
  reportingController: 'a/b',
  reportingInstance: 'i',
  action: 'x',
  reason: 'r',
  type: 'Normal',
}

async function refusal(
  method: 'POST' | 'PATCH',
  path: string,
  body: object,
  type?: string,
): Promise<string | undefined> {
  const options = type === undefined ? { body } : { body, type }
  const answer = await cluster.send(method, path, options)
  return answer.code < 300 ? undefined : statusOf(answer).message
}

beforeEach(async () => {
  await cluster.send('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } },
  })
})

describe('an event of the core group', () => {
  const create = (fields: object): Promise<string | undefined> =>
    refusal('POST', CORE, { metadata: { name: 'e' }, involvedObject: about, ...fields })

  test.each<[string, object, string]>([
    [
      'about another namespace',
      { involvedObject: { ...about, namespace: 'other' } },
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ],
    [
      'about no namespace',
      { involvedObject: { kind: 'Node', name: 'n' } },
      'involvedObject.namespace: Invalid value: "": does not match event.namespace',
    ],
    [
      'of the new form without its instance',
      { eventTime, reportingComponent: 'a', action: 'x', reason: 'r' },
      'reportingInstance: Required value',
    ],
    [
      'of the new form with a long message',
      {
        eventTime,
        reportingComponent: 'a',
        reportingInstance: 'i',
        action: 'x',
        reason: 'r',
        message: 'm'.repeat(1025),
      },
      'message: Invalid value: "": can have at most 1024 characters',
    ],
  ])('%s is refused', async (_, fields, why) => {
    expect(await create(fields)).toBe(`Event "e" is invalid: ${why}`)
  })

  test('has its times, even when there are none, and may change', async () => {
    const made = await cluster.send('POST', CORE, { body: { metadata: { name: 'e' }, involvedObject: about } })
    expect(made.json()).toMatchObject({ firstTimestamp: null, lastTimestamp: null, eventTime: null })
    expect(made.json().metadata.managedFields?.[0]?.fieldsV1).toEqual({ 'f:involvedObject': {} })
    expect(await refusal('PATCH', `${CORE}/e`, { reason: 'z' }, 'application/merge-patch+json')).toBeUndefined()
  })
})

describe('an event of the group of events', () => {
  const create = (fields: object): Promise<string | undefined> =>
    refusal('POST', GROUPED, { metadata: { name: 'e' }, regarding: about, ...whole, ...fields })

  test.each<[string, object, string]>([
    ['without a time', { eventTime: null }, 'eventTime: Required value'],
    ['of an odd type', { type: 'Odd' }, 'type: Invalid value: "": has invalid value: Odd'],
    ['with a count', { deprecatedCount: 1 }, 'count: Invalid value: "": needs to be unset'],
    [
      'with a series of one',
      { series: { count: 1, lastObservedTime: eventTime } },
      'series.count: Invalid value: "": should be at least 2',
    ],
    ['with a series without a time', { series: { count: 2 } }, 'series.lastObservedTime: Required value'],
    ['about nothing', { regarding: {} }, 'involvedObject.namespace: Invalid value: "": does not match event.namespace'],
  ])('%s is refused', async (_, fields, why) => {
    expect(await create(fields)).toBe(`Event "e" is invalid: ${why}`)
  })

  test('changes in its series only', async () => {
    expect(await create({})).toBeUndefined()
    const patch = (fields: object) => refusal('PATCH', `${GROUPED}/e`, fields, 'application/merge-patch+json')
    expect(await patch({ series: { count: 3, lastObservedTime: eventTime } })).toBeUndefined()
    expect(await patch({ note: 'z' })).toBe('Event "e" is invalid: message: Invalid value: "z": field is immutable')
    expect(await patch({ regarding: { name: 'd' } })).toBe(
      'Event "e" is invalid: involvedObject: Invalid value: {"Kind":"ConfigMap","Namespace":"team","Name":"d","UID":"","APIVersion":"","ResourceVersion":"","FieldPath":""}: field is immutable',
    )
  })
})
