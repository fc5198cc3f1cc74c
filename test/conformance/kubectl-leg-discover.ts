import type { Case } from './case.ts'
import { configMap } from './fixtures.ts'
import { leg } from './kubectl-leg.ts'
import { age } from './program.ts'

/** For jane of devs; whoever made it has thrown the key away. */
const signingRequest = `-----BEGIN CERTIFICATE REQUEST-----
MIHZMIGAAgEAMB4xDTALBgNVBAoMBGRldnMxDTALBgNVBAMMBGphbmUwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAATfL4o4c4/RqC+5/yzT+Y2cba6Y18SeNyABOq/Z
2FRntbhZlD4lu06fyvMalhhRxQ3LIlybgFwTIdt3Xr7BvQeuoAAwCgYIKoZIzj0E
AwIDSAAwRQIgbr/AdHsg4WFW03dd/IDf9j2dWsIdtqyPsHh6D0/vNqMCIQCyBY6C
xh/DoasnsJyrlMSiPjJ8byPVwWaaqkYdKzo6Ww==
-----END CERTIFICATE REQUEST-----
`

/** explain, api-resources, auth, certificates, tokens, other identities. */
export const discoveries: readonly Case[] = leg((add) => {
  add('K50', 'explain', async (_t, k) => {
    if (k.minor < 27) {
      await k.says(
        'explain widget.spec.size',
        /^KIND: +Widget\nVERSION: +example\.com\/v1\n\nFIELD: +size <integer>\n\nDESCRIPTION:\n/,
      )
      await k.says(
        'explain cm.data',
        /^KIND: +ConfigMap\nVERSION: +v1\n\nFIELD: +data <map\[string\]string>\n\nDESCRIPTION:\n/,
      )
      await k.says('explain deploy.spec --recursive', /\n {3}template\t<Object>\n {6}metadata\t<Object>\n/)
      await k.fails('explain widget.none', 'error: field "none" does not exist\n')
    } else {
      await k.says(
        'explain widget.spec.size',
        /^GROUP: +example\.com\nKIND: +Widget\nVERSION: +v1\n\nFIELD: size <integer>\n\n\nDESCRIPTION:\n/,
      )
      await k.says(
        'explain cm.data',
        /^KIND: +ConfigMap\nVERSION: +v1\n\nFIELD: data <map\[string\]string>\n\n\nDESCRIPTION:\n/,
      )
      await k.says(
        'explain deploy.spec --recursive',
        /\nFIELD: spec <DeploymentSpec>\n[^]*\n {2}template\t<PodTemplateSpec> -required-\n {4}metadata\t<ObjectMeta>\n/,
      )
      await k.says(
        'explain widget --recursive',
        /\n {2}spec\t<Object>\n[^]*\n {4}items\t<\[\]Object>\n {6}name\t<string> -required-\n/,
      )
      await k.says('explain widget.spec.mode', /\n(ENUM:\n {4}A\n {4}B|enum: A, B)\n/)
      await k.fails('explain widget.none', 'error: field "none" does not exist\n', {
        stdout: /^GROUP: +example\.com\nKIND: +Widget\nVERSION: +v1\n\n$/,
      })
      await k.says('explain pods --output=plaintext-openapiv2', /^KIND: +Pod\nVERSION: +v1\n/)
    }
    await k.says('explain widgets --api-version=example.com/v1beta1', /v1beta1/)
    await k.fails('explain things', /the server doesn't have a resource type "things"|couldn't find resource for/)
  })

  add('K51', 'api-resources, api-versions, cluster-info, version', async (t, k) => {
    const resources = await k.says('api-resources', /^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND\n/)
    for (const line of [
      /\nconfigmaps +cm +v1 +true +ConfigMap\n/,
      /\ndeployments +deploy +apps\/v1 +true +Deployment\n/,
      /\nwidgets +example\.com\/v1 +true +Widget\n/,
      /\ngadgets +example\.com\/v1 +false +Gadget\n/,
    ]) {
      t.match(resources, line, 'api-resources')
    }
    await k.says('api-resources --api-group=example.com -o name', 'gadgets.example.com\nwidgets.example.com\n')
    await k.says(
      'api-resources --api-group=example.com --namespaced=true --no-headers -o wide',
      /^widgets +example\.com\/v1 +true +Widget +(\[delete deletecollection get list patch create update watch\]|delete,deletecollection,get,list,patch,create,update,watch) *\n$/,
    )
    const versions = (await k.says('api-versions', /^v1$/m)).split('\n')
    for (const version of ['apps/v1', 'example.com/v1', 'example.com/v1beta1', 'v1'])
      t.check(versions.includes(version), `${version} is missing`)
    await k.says('cluster-info', /Kubernetes (control plane|master).* is running at .*https:\/\//)
    await k.says('version', /Server Version: /, { stderr: /^(Warning: .*\n|WARNING: .*\n)?$/ })
  })

  add('K52', 'auth can-i', async (t, k) => {
    const user = t.unique('jane')
    await k.says('auth can-i delete pods', 'yes\n')
    await k.says(['auth', 'can-i', '*', '*'], 'yes\n')
    await k.says(`auth can-i list widgets.example.com --as=${user}`, 'no\n', { code: 1 })
    await k.says(
      'create role r --verb=list --resource=widgets.example.com',
      'role.rbac.authorization.k8s.io/r created\n',
    )
    await k.says(`create rolebinding rb --role=r --user=${user}`, 'rolebinding.rbac.authorization.k8s.io/rb created\n')
    await t.eventually(async () => void (await k.says(`auth can-i list widgets.example.com --as=${user}`, 'yes\n')))
    await k.says(`auth can-i delete widgets/w --as=${user}`, 'no\n', { code: 1 })
    await k.says(`auth can-i list widgets.example.com --as=${user} -A`, 'no\n', { code: 1 })
    await k.says(`auth can-i get deployments --subresource=scale --as=${user} -q`, '', { code: 1 })
    await k.says('auth can-i get /healthz', 'yes\n')
    await k.says('auth can-i get nodes', 'yes\n', {
      stderr: /^Warning: resource 'nodes' is not namespace scoped\n\n?$/,
    })
    await k.says('auth can-i get things', 'yes\n', {
      stderr: /^Warning: the server doesn't have a resource type 'things'\n\n?$/,
    })
    const listed = await k.says('auth can-i --list', /^Resources +Non-Resource URLs +Resource Names +Verbs\n/)
    t.match(listed, /\n\*\.\* +\[\] +\[\] +\[\*\]\n/, 'the list')
    const hers = await k.says(
      `auth can-i --list --as=${user}`,
      /^Resources +Non-Resource URLs +Resource Names +Verbs\n/,
    )
    t.match(hers, /\nwidgets\.example\.com +\[\] +\[\] +\[list\]\n/, 'her list')
    t.match(hers, /\nselfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]\n/, 'her list')
    await k.fails(
      `get widgets --as=${user} -A`,
      `Error from server (Forbidden): widgets.example.com is forbidden: User "${user}" cannot list resource "widgets" in API group "example.com" at the cluster scope\n`,
    )
    await k.fails(
      `get cm x --as=${user}`,
      `Error from server (Forbidden): configmaps "x" is forbidden: User "${user}" cannot get resource "configmaps" in API group "" in the namespace "${t.ns}"\n`,
    )
    await k.fails(
      `create cm x --as=${user}`,
      new RegExp(
        `configmaps is forbidden: User "${user}" cannot create resource "configmaps" in API group "" in the namespace "${t.ns}"\n$`,
      ),
    )
    await k.says(`get widgets --as=${user} -o name`, '')
    await k.says(`get widgets --as=${t.unique('root')} --as-group=system:masters -o name -A`, /^/)
  })

  add(
    'K53',
    'auth whoami',
    async (_t, k) => {
      await k.says('auth whoami', /^ATTRIBUTE +VALUE\nUsername +\S+/)
      await k.says('auth whoami --as=jane --as-group=devs -o json', /"username": "jane"/)
      await k.table('auth whoami --as=jane --as-group=devs', [
        ['ATTRIBUTE', 'VALUE'],
        ['Username', 'jane'],
        ['Groups', '[devs system:authenticated]'],
      ])
    },
    { since: 28 },
  )

  add('K54', 'auth reconcile', async (t, k) => {
    const role = (verbs: string[]): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r', namespace: t.ns },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs }],
    })
    const reconcile = 'auth reconcile -f -'
    const kind = 'role.rbac.authorization.k8s.io/r'
    const created = /^\treconciliation required create\n\tmissing rules added:\n\t\t\{Verbs:\[get\] /
    await k.says(reconcile, `${kind} reconciled\n`, { input: role(['get']), stderr: created })
    const updated = /^\treconciliation required update\n\tmissing rules added:\n\t\t\{Verbs:\[list\] /
    await k.says(reconcile, `${kind} reconciled\n`, { input: role(['get', 'list']), stderr: updated })
    await k.says(reconcile, `${kind} unchanged\n`, { input: role(['get', 'list']), stderr: /^/ }).catch(async () => {
      await k.says(reconcile, `${kind} reconciled\n`, { input: role(['get', 'list']), stderr: /^/ })
    })
    await k.says('get role r -o jsonpath={.rules[*].verbs}', /list/)
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'rb', namespace: t.ns },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
    }
    await k.says(reconcile, /^rolebinding\.rbac\.authorization\.k8s\.io\/rb reconciled\n/, {
      input: binding,
      stderr: /^\treconciliation required create\n/,
    })
    // A role reference cannot change: reconcile makes the binding again.
    await k.says(reconcile, /^rolebinding\.rbac\.authorization\.k8s\.io\/rb reconciled\n/, {
      stderr: /^\treconciliation required recreate\n/,
      input: { ...binding, roleRef: { ...binding.roleRef, kind: 'ClusterRole', name: 'view' } },
    })
    await k.says('get rolebinding rb -o jsonpath={.roleRef.name}', 'view')
  })

  add('K55', 'certificate approve and deny', async (t, k) => {
    const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
    const make = async (): Promise<string> => {
      const name = t.unique('csr')
      await t.createGlobal(requests, {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name },
        spec: {
          request: Buffer.from(signingRequest).toString('base64'),
          signerName: 'kubernetes.io/kube-apiserver-client',
          usages: ['client auth'],
        },
      } as { metadata: { name: string } })
      return name
    }
    const [good, bad] = [await make(), await make()]
    const head = ['NAME', 'AGE', 'SIGNERNAME', 'REQUESTOR', 'REQUESTEDDURATION', 'CONDITION']
    const row = (name: string, condition: string): (string | RegExp)[] => [
      name,
      age,
      'kubernetes.io/kube-apiserver-client',
      /^\S+$/,
      '<none>',
      condition,
    ]
    await k.table(`get csr ${good}`, [head, row(good, 'Pending')])
    await k.says(`certificate approve ${good}`, `certificatesigningrequest.certificates.k8s.io/${good} approved\n`)
    await k.says(`certificate deny ${bad}`, `certificatesigningrequest.certificates.k8s.io/${bad} denied\n`)
    await k.table(`get csr ${bad}`, [head, row(bad, 'Denied')])
    await t.eventually(() => k.table(`get csr ${good}`, [head, row(good, 'Approved,Issued')]))
    await k.says(`get csr ${good} -o jsonpath={.status.certificate}`, /^LS0tLS1CRUdJTi/)
    await k.fails(
      'certificate approve none-at-all',
      'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "none-at-all" not found\n',
    )
    await k.says(
      `describe csr ${bad}`,
      /\nRequesting User: +\S+\nSigner: +kubernetes\.io\/kube-apiserver-client\nStatus: +Denied\nSubject:\n\s+Common Name: +jane\n\s+Serial Number: *\n\s+Organization: +devs\n/,
    )
  })

  add(
    'K56',
    'create token',
    async (t, k) => {
      await k.says('create sa bot', 'serviceaccount/bot created\n')
      const token = (await k.says('create token bot --duration=10m', /^[\w-]+\.[\w-]+\.[\w-]+\n?$/)).trim()
      const who = await t.as({ token }).post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'SelfSubjectReview',
      })
      who.is(201, { status: { userInfo: { username: `system:serviceaccount:${t.ns}:bot` } } })
      await k.fails(
        'create token none',
        /^(Error from server \(NotFound\): serviceaccounts|error: failed to create token: +serviceaccounts) "none" not found\n$/,
      )
      await k.fails(
        'create token bot --duration=1s',
        /Invalid value: 1: may not specify a duration less than 10 minutes\n$/,
      )
    },
    { since: 24 },
  )

  add('K57', 'no warnings at -v=6', async (t, k) => {
    await t.create(t.CM, configMap('c', { a: '1' }))
    const said = await k.run('get cm,deploy,jobs,cronjobs,ingresses,pdb,hpa,crd,role,csr -o name -v=6')
    t.match(said.code, 0, 'exit code')
    t.check(!/deprecat|Warning/i.test(said.stderr), `there are warnings:\n${said.stderr}`)
    const request =
      /GET\W+(url="|)https:\/\/\S+\/api\/v1\/namespaces\/[^ /]*\/configmaps\?limit=500"? (status=")?200 OK/
    t.check(request.test(said.stderr), `config maps must be asked for in one request:\n${said.stderr}`)
    t.check(
      !/ (4|5)\d\d [A-Z]/.test(said.stderr.replaceAll(/ 404 Not Found/g, '')),
      `there are refusals:\n${said.stderr}`,
    )
  })
})
