import { expect, test } from 'vitest'
import { kubeconfigText } from './kubeconfig-text.ts'

test('the kubeconfig names clusters, users and contexts as kubectl expects them', () => {
  const text = kubeconfigText({
    certificateAuthority: 'ca',
    clusters: [
      { name: 'hub', server: 'https://127.0.0.1:6443/clusters/hub' },
      { name: 'mc-int-1', server: 'https://127.0.0.1:6443/clusters/mc-int-1' },
    ],
    users: [
      { name: 'admin', certificate: 'cert', key: 'key' },
      { name: 'release-requester', token: 't0ken' },
    ],
    contexts: [
      { name: 'hub', cluster: 'hub', user: 'admin' },
      { name: 'mc-int-1', cluster: 'mc-int-1', user: 'admin' },
    ],
  })
  expect(text).toMatchInlineSnapshot(`
    "apiVersion: v1
    kind: Config
    current-context: hub
    clusters:
    - name: hub
      cluster:
        server: https://127.0.0.1:6443/clusters/hub
        certificate-authority-data: Y2E=
    - name: mc-int-1
      cluster:
        server: https://127.0.0.1:6443/clusters/mc-int-1
        certificate-authority-data: Y2E=
    users:
    - name: admin
      user:
        client-certificate-data: Y2VydA==
        client-key-data: a2V5
    - name: release-requester
      user:
        token: t0ken
    contexts:
    - name: hub
      context:
        cluster: hub
        user: admin
    - name: mc-int-1
      context:
        cluster: mc-int-1
        user: admin
    "
  `)
})
