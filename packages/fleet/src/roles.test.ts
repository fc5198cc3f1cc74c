import { describe, expect, test } from 'vitest'
import { agentRole, fleetRoles } from './roles.ts'
import type { FleetRole, RoleObject } from './roles.ts'

function allows(role: RoleObject, verb: string, resource: string, name?: string): boolean {
  return role.rules.some(
    ({ verbs, resources, resourceNames }) =>
      verbs.includes(verb) &&
      // In Kubernetes `*` covers subresources too.
      (resources.includes(resource) || resources.includes('*')) &&
      (resourceNames === undefined || (name !== undefined && resourceNames.includes(name))),
  )
}

function role(name: FleetRole): RoleObject {
  return fleetRoles().find(({ metadata }) => metadata.name === name)!
}

describe('the roles of a hub', () => {
  test('never let one duty request and approve', () => {
    for (const candidate of fleetRoles()) {
      const both = allows(candidate, 'create', 'componentfixes') && allows(candidate, 'create', 'approvals')
      expect(both).toBe(false)
    }
  })

  test('let approvals be created only, by approvers only', () => {
    for (const candidate of fleetRoles()) {
      const isApprover = candidate.metadata.name === 'locktender-approver'
      expect(allows(candidate, 'create', 'approvals')).toBe(isApprover)
      for (const verb of ['update', 'patch', 'delete']) expect(allows(candidate, verb, 'approvals')).toBe(false)
    }
  })

  test('let the manager decide but not report', () => {
    const manager = role('locktender-manager')
    expect(allows(manager, 'patch', 'controlplanes')).toBe(true)
    expect(allows(manager, 'patch', 'controlplanes/status')).toBe(false)
    expect(allows(manager, 'patch', 'rollouts/status')).toBe(true)
    expect(allows(manager, 'create', 'componentfixes')).toBe(false)
  })

  test('let viewers only look', () => {
    expect(
      role('locktender-viewer')
        .rules.flatMap(({ verbs }) => verbs)
        .sort(),
    ).toEqual(['get', 'list', 'watch'])
  })

  test('use no wildcard verbs', () => {
    expect(fleetRoles().flatMap(({ rules }) => rules.flatMap(({ verbs }) => verbs))).not.toContain('*')
  })
})

describe('the role of an agent', () => {
  const objects = agentRole('mc-1')
  const agent = objects.find(({ kind }) => kind === 'Role') as RoleObject

  test('lets it report control planes and nothing else', () => {
    expect(allows(agent, 'patch', 'controlplanes/status')).toBe(true)
    expect(allows(agent, 'watch', 'controlplanes')).toBe(true)
    for (const verb of ['create', 'update', 'patch', 'delete']) expect(allows(agent, verb, 'controlplanes')).toBe(false)
    expect(allows(agent, 'list', 'rollouts')).toBe(false)
  })

  test('lets it renew its own lease only', () => {
    expect(allows(agent, 'update', 'leases', 'agent')).toBe(true)
    expect(allows(agent, 'update', 'leases', 'other')).toBe(false)
    expect(allows(agent, 'create', 'leases', 'agent')).toBe(false)
  })

  test('is confined to its namespace', () => {
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
      'Role mc-1/locktender-agent',
      'RoleBinding mc-1/locktender-agent',
      'Lease mc-1/agent',
    ])
    expect(objects[1]).toMatchObject({
      roleRef: { kind: 'Role', name: 'locktender-agent' },
      subjects: [{ kind: 'User', name: 'locktender:agent:mc-1' }],
    })
  })
})
