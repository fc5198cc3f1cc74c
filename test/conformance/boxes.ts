import type { T } from './case.ts'
import { CRD, definition } from './fixtures.ts'

/** Defines a kind of the case's own with this schema of its spec, and resolves with the path of its objects. */
export async function define(
  t: T,
  spec: object,
  more: object = {},
): Promise<{ path: string; apiVersion: string; crd: string }> {
  const name = `${t.unique('g')}.example.com`
  const schema = { openAPIV3Schema: { type: 'object', required: ['spec'], properties: { spec } } }
  await t.createGlobal(CRD, definition('boxs', name, { schema }, more))
  const path = `/apis/${name}/v1/namespaces/${t.ns}/boxs`
  await t.eventually(async () => (await t.get(path)).is(200))
  return { path, apiVersion: `${name}/v1`, crd: `${CRD}/boxs.${name}` }
}

export function box(apiVersion: string, spec: object, name = 'b'): object {
  return { apiVersion, kind: 'Box', metadata: { name }, spec }
}
