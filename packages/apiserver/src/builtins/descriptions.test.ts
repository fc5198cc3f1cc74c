import { expect, test } from 'vitest'
import { describedMessage } from './descriptions.ts'
import { messageOf } from './field-table.ts'

const CORE = ['Namespace', 'ConfigMap', 'Secret', 'ServiceAccount', 'Pod', 'PodSpec', 'PodTemplateSpec', 'Container']
const NAMES = [...CORE, 'Service', 'ServiceSpec', 'Event'].map((name) => `core/v1.${name}`)

test.each([
  ...NAMES,
  'apps/v1.Deployment',
  'apps/v1.DeploymentSpec',
  'rbac/v1.Role',
  'rbac/v1.ClusterRole',
  'rbac/v1.RoleBinding',
  'rbac/v1.PolicyRule',
  'rbac/v1.Subject',
  'coordination/v1.LeaseSpec',
  'apiextensions/v1.CustomResourceDefinitionSpec',
  'meta/v1.ObjectMeta',
])('%s is described, and has the fields that are', (name) => {
  const { description, fields } = describedMessage(name)!
  expect(description).toMatch(/^[A-Z].*\.$/)
  const known = [...messageOf(name).fields.keys()]
  for (const [field, text] of Object.entries(fields)) {
    expect(known).toContain(field)
    expect(text).toMatch(/^[A-Z].*\.$/)
  }
})

test('other messages are not', () => {
  expect(describedMessage('core/v1.Node')).toBeUndefined()
})
