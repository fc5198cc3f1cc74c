import type { ControlPlane } from '@locktender/fleet'
import { applyConflict, conflict, forbidden, tooManyRequests } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { controlPlaneOf, image } from '../test-objects.ts'
import { isRefusal, overridesConfiguration } from './override-writer.ts'

const entry = (component: string) => ({ component, image: image('f'), fix: 'one', rollout: 'one' })

function withOverrides(components: readonly string[], owned: readonly string[]): ControlPlane {
  const controlPlane = controlPlaneOf('a', { spec: { overrides: components.map(entry) } })
  const items = Object.fromEntries(owned.map((component) => [`k:{"component":"${component}"}`, { '.': {} }]))
  return {
    ...controlPlane,
    metadata: {
      ...controlPlane.metadata,
      managedFields: [
        {
          manager: 'locktender-fixes',
          operation: 'Apply',
          apiVersion: 'locktender.dev/v1alpha1',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:spec': { 'f:overrides': items } },
        },
      ],
    },
  }
}

test('an apply keeps what other fixes have there and names the object by its uid', () => {
  const latest = withOverrides(['etcd', 'dns'], ['etcd'])
  expect(overridesConfiguration(latest, { component: 'router', override: entry('router') })).toEqual({
    apiVersion: 'locktender.dev/v1alpha1',
    kind: 'ControlPlane',
    metadata: { name: 'a', namespace: 'mc-1', uid: 'uid-a' },
    spec: { overrides: [entry('etcd'), entry('router')] },
  })
})

test('who is asked is as it was seen, and who is taken back may have changed', () => {
  const { metadata, ...rest } = withOverrides(['etcd'], ['etcd'])
  const latest = { ...rest, metadata: { ...metadata, resourceVersion: '7' } }
  const asked = overridesConfiguration(latest, { component: 'router', override: entry('router') })
  expect(asked.metadata.resourceVersion).toBe('7')
  expect(overridesConfiguration(latest, { component: 'etcd' }).metadata).not.toHaveProperty('resourceVersion')
})

test('an entry is replaced, not doubled', () => {
  const newer = { ...entry('etcd'), fix: 'two' }
  const configuration = overridesConfiguration(withOverrides(['etcd'], ['etcd']), {
    component: 'etcd',
    override: newer,
  })
  expect(configuration.spec?.overrides).toEqual([newer])
})

test('a revert owns nothing any more, or only what others of ours need', () => {
  expect(overridesConfiguration(withOverrides(['etcd'], ['etcd']), { component: 'etcd' })).not.toHaveProperty('spec')
  const both = withOverrides(['etcd', 'dns'], ['etcd', 'dns'])
  expect(overridesConfiguration(both, { component: 'etcd' }).spec?.overrides).toEqual([entry('dns')])
})

describe('a refusal', () => {
  const resource = { group: 'locktender.dev', resource: 'controlplanes' }

  test('is a field that belongs to somebody else, and whatever is not allowed', () => {
    const cause = { reason: 'FieldManagerConflict', message: 'conflict with "somebody"', field: '.spec.overrides' }
    expect(isRefusal(applyConflict('Apply failed with 1 conflict', [cause]))).toBe(true)
    expect(isRefusal(forbidden(resource, 'a', 'no'))).toBe(true)
  })

  test('is not that others were writing at the same time', () => {
    expect(isRefusal(conflict(resource, 'a', 'the object has been modified'))).toBe(false)
    expect(isRefusal(tooManyRequests('later', 1))).toBe(false)
    expect(isRefusal(new Error('no answer'))).toBe(false)
  })
})
