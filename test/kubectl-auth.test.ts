import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Kubectl, kubectlVersions } from './support/kubectl.ts'
import { serveKubectl } from './support/served-kubectl.ts'
import type { ServedKubectl } from './support/served-kubectl.ts'

/** For carol of ops; whoever made it has thrown the key away. */
const request = `-----BEGIN CERTIFICATE REQUEST-----
MIHYMIGAAgEAMB4xDDAKBgNVBAoMA29wczEOMAwGA1UEAwwFY2Fyb2wwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARmULQixOEtjlvEvydTmEcbXhUBuVnY6qpTtHLu
P6JJAVgPeGgCRy75hcGocLFhDbWzNJTB0OOlk0YNRhrOqYjVoAAwCgYIKoZIzj0E
AwIDRwAwRAIgbos7/kBYadmHa+mfzoNrohacuh2GqKuVhVBiDF8ZXJcCIGh3tXy1
pG6NNm+BiM5SSa49qi+H1WnzlEjtfj/dYbBC
-----END CERTIFICATE REQUEST-----
`

describe.each(kubectlVersions)('kubectl %s', (version) => {
  let served: ServedKubectl
  let kubectl: Kubectl

  beforeAll(async () => {
    served = await serveKubectl(version)
    kubectl = served.kubectl
  })

  afterAll(() => served.close())

  test('tells who one is, and acts as somebody else', async () => {
    expect(await kubectl.ok(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).toBe('admin')
    const as = ['--as', 'carol', '--as-group', 'ops', '--as-uid', 'u1']
    const user = JSON.parse(await kubectl.ok(['auth', 'whoami', '-o', 'json', ...as])) as {
      status: { userInfo: unknown }
    }
    expect(user.status.userInfo).toEqual({ username: 'carol', uid: 'u1', groups: ['ops', 'system:authenticated'] })
    const refused = await kubectl.run(['get', 'secrets', ...as])
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('User "carol" cannot list resource "secrets" in API group "" in the namespace "default"'),
    ])
  })

  test('tells what one may do', async () => {
    expect((await kubectl.ok(['auth', 'can-i', 'create', 'deployments.apps'])).trim()).toBe('yes')
    const carol = ['--as', 'carol']
    const refused = await kubectl.run(['auth', 'can-i', 'create', 'deployments.apps', ...carol])
    expect([refused.code, refused.stdout.trim()]).toEqual([1, 'no'])
    await kubectl.ok(['create', 'rolebinding', 'viewers', '--clusterrole=view', '--user=carol'])
    expect((await kubectl.ok(['auth', 'can-i', 'list', 'pods', ...carol])).trim()).toBe('yes')
    expect((await kubectl.run(['auth', 'can-i', 'list', 'secrets', ...carol])).stdout.trim()).toBe('no')
    const list = await kubectl.ok(['auth', 'can-i', '--list', ...carol])
    expect(list).toMatch(/^Resources +Non-Resource URLs +Resource Names +Verbs\n/)
    expect(list).toMatch(/\nconfigmaps +\[\] +\[\] +\[get list watch\]\n/)
    expect(list).toMatch(/\n +\[\/healthz\] +\[\] +\[get\]\n/)
  })

  test('reconciles roles, and adds to them only', async () => {
    const manifest = (verbs: string): string => `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [${verbs}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: dave}
`
    for (const verbs of ['get', 'list']) {
      const path = join(served.folder, 'roles.yaml')
      writeFileSync(path, manifest(verbs))
      expect(await kubectl.ok(['auth', 'reconcile', '-f', path])).toContain(
        'role.rbac.authorization.k8s.io/reader reconciled',
      )
    }
    for (const verb of ['get', 'list']) {
      expect((await kubectl.ok(['auth', 'can-i', verb, 'configmaps', '--as', 'dave'])).trim()).toBe('yes')
    }
  })

  test('makes tokens of service accounts that are good for kubectl itself', async () => {
    await kubectl.ok(['create', 'serviceaccount', 'robot'])
    const token = (await kubectl.ok(['create', 'token', 'robot', '--duration=20m'])).trim()
    const path = join(served.folder, 'robot')
    // A certificate in the kubeconfig would go before the token.
    writeFileSync(
      path,
      served.server.kubeconfig.replace(/ {4}client-.*\n/g, '').replace('user:\n', `user: {token: ${token}}\n`),
    )
    const robot = new Kubectl(version, path, join(served.folder, 'home'))
    expect(await robot.ok(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).toBe(
      'system:serviceaccount:default:robot',
    )
    expect((await robot.run(['get', 'pods'])).stderr).toContain(
      'User "system:serviceaccount:default:robot" cannot list',
    )
    const short = await kubectl.run(['create', 'token', 'robot', '--duration=1m'])
    expect(short.stderr).toContain('may not specify a duration less than 10 minutes')
    await kubectl.ok(['create', 'secret', 'generic', 'bound'])
    await kubectl.ok(['create', 'token', 'robot', '--bound-object-kind=Secret', '--bound-object-name=bound'])
    expect(await kubectl.ok(['create', 'token', 'default', '-n', 'kube-system'])).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    await kubectl.ok(['delete', 'serviceaccount', 'robot'])
    expect((await robot.run(['get', 'pods'])).stderr).toContain('You must be logged in to the server')
  })

  test('approves and denies requests for certificates', async () => {
    const manifest = (name: string): string => `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: ${name}}
spec:
  request: ${Buffer.from(request).toString('base64')}
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 3600
  usages: [client auth]
`
    for (const name of ['good', 'bad']) await kubectl.ok(['create', '-f', '-'], manifest(name))
    expect(await kubectl.ok(['get', 'csr', 'good'])).toMatch(
      /good +\S+ +kubernetes.io\/kube-apiserver-client +admin +60m +Pending/,
    )
    expect(await kubectl.ok(['certificate', 'approve', 'good'])).toContain(
      'certificatesigningrequest.certificates.k8s.io/good approved',
    )
    expect(await kubectl.ok(['certificate', 'deny', 'bad'])).toContain('denied')
    await kubectl.ok(['wait', 'csr/good', '--for=jsonpath={.status.certificate}', '--timeout=20s'])
    expect(await kubectl.ok(['get', 'csr'])).toMatch(/bad .* Denied\ngood .* Approved,Issued\n/)
    const encoded = await kubectl.ok(['get', 'csr', 'good', '-o', 'jsonpath={.status.certificate}'])
    const certificate = new X509Certificate(Buffer.from(encoded, 'base64'))
    expect(certificate.subject).toBe('O=ops\nCN=carol')
  })
})
