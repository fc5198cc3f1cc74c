import { VirtualClock } from '@locktender/kube'
import { expect, test } from 'vitest'
import { builtInResources } from '../builtin-resources.ts'
import type { AnyObject } from '../objects/object.ts'
import { representList } from './represent.ts'
import { View } from './view.ts'

const served = builtInResources.find(({ resource }) => resource.plural === 'configmaps')!
const presentation = {
  served,
  representation: 'object',
  metaVersion: 'meta.k8s.io/v1',
  includeObject: 'Metadata',
  nowMs: 0,
} as const

test('items of built-in lists have no type, wherever it stands in what is stored', async () => {
  const metadata = { name: 'a' }
  const data = { k: '{"apiVersion":"v1","kind":"ConfigMap",' }
  const stored = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data },
    { metadata, data, kind: 'ConfigMap', apiVersion: 'v1' },
    { kind: 'ConfigMap', apiVersion: 'v1', metadata, data },
  ]
  const views = stored.map((object) => View.ofObject(object as unknown as AnyObject))
  const text = Buffer.from(
    await representList(views, { resourceVersion: '5' }, presentation, new VirtualClock()),
  ).toString()
  const item = JSON.stringify({ metadata, data })
  expect(text).toBe(
    `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[${item},${item},${item}]}\n`,
  )
})
