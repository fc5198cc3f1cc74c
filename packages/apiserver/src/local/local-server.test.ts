import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, configMaps, loadKubeconfig, systemClock, transportFromKubeconfig } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DefinitionsError } from './install-definitions.ts'
import { LocalServer } from './local-server.ts'
import { widgets } from '../testing/test-cluster.ts'

const definition = (type: string): string => `# a comment
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: ${type}
              x-kubernetes-preserve-unknown-fields: true
`

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-server-'))
})

afterEach(() => rm(folder, { recursive: true }))

describe('a local server', () => {
  test('serves its definitions at the root path, as its kubeconfig says', async () => {
    await writeFile(join(folder, 'widgets.yaml'), `${definition('object')}---\napiVersion: v1\nkind: ConfigMap\n`)
    await writeFile(join(folder, 'notes.txt'), 'no manifest')
    await using server = await LocalServer.start({ crds: folder })
    expect(server.installed).toEqual({ files: 1, definitions: 1, others: 1 })
    const path = join(folder, 'private', 'kubeconfig')
    server.writeKubeconfig(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const transport = await transportFromKubeconfig(await loadKubeconfig({ path }), { clock: systemClock() })
    try {
      expect(server.kubeconfig).toContain(`server: ${server.url}\n`)
      const client = new Client({ transport })
      const metadata = { name: 'w', namespace: 'default' }
      await client.create(widgets, { apiVersion: 'example.com/v1', kind: 'Widget', metadata })
      expect((await client.list(widgets)).items).toHaveLength(1)
    } finally {
      await transport.close()
    }
  })

  test('keeps its objects, and takes newer definitions over older ones', async () => {
    const dataDirectory = join(folder, 'data')
    await writeFile(join(folder, 'widgets.yaml'), definition('object'))
    for (const round of [1, 2]) {
      await using server = await LocalServer.start({ crds: folder, dataDirectory })
      const path = join(folder, 'kubeconfig')
      server.writeKubeconfig(path)
      const transport = await transportFromKubeconfig(await loadKubeconfig({ path }), { clock: systemClock() })
      const client = new Client({ transport })
      const metadata = { name: `c${round}`, namespace: 'default' }
      await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
      expect(
        (await client.list(configMaps, { namespace: 'default', labelSelector: '!x' })).items.length,
      ).toBeGreaterThanOrEqual(round)
      await transport.close()
    }
  })

  test('says where a definition is wrong', async () => {
    const path = join(folder, 'widgets.yaml')
    await writeFile(path, definition('objct'))
    await writeFile(join(folder, 'broken.yml'), 'a: [\n')
    const started = LocalServer.start({ crds: folder })
    await expect(started).rejects.toThrow(DefinitionsError)
    const { problems } = await started.then(
      () => ({ problems: [] }),
      (error: DefinitionsError) => error,
    )
    expect(problems[0]).toMatch(/broken\.yml:[12]: \S/)
    expect(problems[1]).toMatch(/widgets\.yaml:19: spec\..*type: Unsupported value: "objct"/)
  })

  test('says that there is nothing to install', async () => {
    await expect(LocalServer.start({ crds: folder })).rejects.toThrow(/there is no CustomResourceDefinition/)
  })
})
