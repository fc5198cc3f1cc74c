import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectlVersions } from './support/kubectl.ts'
import type { Kubectl } from './support/kubectl.ts'
import { serveKubectl } from './support/served-kubectl.ts'
import type { ServedKubectl } from './support/served-kubectl.ts'

const deployment = (image: string, variables: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: api, labels: {app: api}}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: main
        image: ${image}
        ports: [{containerPort: 80}]
        env: [${variables}]
      volumes: [{name: settings, configMap: {name: settings}}]
`

const ENV = '{name: A, value: "1"}, {name: B, value: "2"}'

describe.each(kubectlVersions)('kubectl %s', (version) => {
  let served: ServedKubectl
  let kubectl: Kubectl
  const jsonPath = (resource: string, path: string): Promise<string> =>
    kubectl.ok(['get', resource, '-o', `jsonpath={${path}}`])

  beforeAll(async () => {
    served = await serveKubectl(version)
    kubectl = served.kubectl
  })

  afterAll(() => served.close())

  test.each([
    ['namespace/team', ['ns', 'team']],
    ['configmap/settings', ['cm', 'settings', '--from-literal=a=1']],
    ['secret/token', ['secret', 'generic', 'token', '--from-literal=p=1']],
    ['deployment.apps/web', ['deployment', 'web', '--image=nginx', '--replicas=2', '--port=80']],
    ['service/web', ['service', 'clusterip', 'web', '--tcp=80:8080']],
    ['role.rbac.authorization.k8s.io/r', ['role', 'r', '--verb=get', '--resource=pods']],
    ['rolebinding.rbac.authorization.k8s.io/rb', ['rolebinding', 'rb', '--role=r', '--serviceaccount=default:bot']],
    ['clusterrole.rbac.authorization.k8s.io/cr', ['clusterrole', 'cr', '--verb=get', '--resource=nodes']],
    ['serviceaccount/bot', ['sa', 'bot']],
    ['job.batch/once', ['job', 'once', '--image=busybox']],
    ['cronjob.batch/often', ['cronjob', 'often', '--image=busybox', '--schedule=*/5 * * * *']],
    ['resourcequota/q', ['quota', 'q', '--hard=cpu=1,pods=2']],
    ['ingress.networking.k8s.io/i', ['ingress', 'i', '--rule=example.com/*=web:80']],
    ['poddisruptionbudget.policy/b', ['pdb', 'b', '--selector=app=web', '--min-available=1']],
    ['priorityclass.scheduling.k8s.io/high', ['priorityclass', 'high', '--value=10']],
  ])('creates %s', async (name, args) => {
    expect((await kubectl.ok(['create', ...args])).trim()).toBe(`${name} created`)
    expect((await kubectl.ok(['create', ...args, '-o', 'name', '--dry-run=client'])).trim()).toBe(name)
    const again = await kubectl.run(['create', ...args])
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/AlreadyExists|already exists/)])
  })

  test('runs, exposes, issues tokens and asks for rights', async () => {
    expect(await kubectl.ok(['run', 'one', '--image=nginx', '--port=80'])).toContain('pod/one created')
    expect(await kubectl.ok(['expose', 'deployment', 'web', '--name=web2'])).toContain('service/web2 exposed')
    expect(await kubectl.ok(['create', 'token', 'bot'])).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\s*$/)
    expect((await kubectl.ok(['auth', 'can-i', 'delete', 'pods'])).trim()).toBe('yes')
    expect(await jsonPath('service/web2', '.spec.ports[0].targetPort')).toBe('80')
    expect(await jsonPath('deploy/web', '.spec.strategy.rollingUpdate.maxSurge')).toBe('25%')
  })

  test('shows tables', async () => {
    const tables = await kubectl.ok(['get', 'pods,deploy,svc,jobs,cronjobs,pdb,ing,sa'])
    expect(tables).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\npod\/one +0\/1 +Pending +0 /)
    expect(tables).toMatch(/NAME +READY +UP-TO-DATE +AVAILABLE +AGE\ndeployment.apps\/web +0\/2 +0 +0 /)
    expect(tables).toMatch(
      /NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nservice\/web +ClusterIP +10\.96\.1\.\d+ +<none> +80\/TCP/,
    )
    expect(tables).toMatch(/NAME +STATUS +COMPLETIONS +DURATION +AGE\njob.batch\/once +Running +0\/1/)
    expect(tables).toMatch(/cronjob.batch\/often +\*\/5 \* \* \* \* +<none> +False +0 +<none>/)
    expect(tables).toMatch(/NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE/)
    expect(tables).toMatch(/ingress.networking.k8s.io\/i +<none> +example.com +80 /)
    expect(tables).toMatch(/NAME +AGE\nserviceaccount\/bot /)
    expect(await kubectl.ok(['get', 'deploy', '-o', 'wide'])).toMatch(
      /CONTAINERS +IMAGES +SELECTOR\nweb .* nginx +nginx +app=web/,
    )
    expect(await kubectl.ok(['get', 'all'])).toContain('deployment.apps/web')
    expect(await kubectl.ok(['get', 'ns,cm,secrets,crd,csr,nodes,pv,pvc,sc,leases,events,hpa,ds,sts,rs'])).toContain(
      'team',
    )
  })

  test('applies a deployment: created, changed item by item, unchanged', async () => {
    const apply = (text: string): Promise<string> => kubectl.ok(['apply', '-f', '-'], text)
    expect(await apply(deployment('api:1', ENV))).toContain('api created')
    expect(await apply(deployment('api:1', ENV))).toContain('api unchanged')
    const diff = await kubectl.run(['diff', '-f', '-'], deployment('api:2', ENV))
    expect([diff.code, diff.stdout]).toEqual([1, expect.stringContaining('+        image: api:2')])
    expect(await kubectl.ok(['set', 'env', 'deploy/api', 'C=3'])).toContain('updated')
    expect(await apply(deployment('api:2', '{name: B, value: "2"}'))).toContain('api configured')
    expect(await jsonPath('deploy/api', '.spec.template.spec.containers[0].env[*].name')).toBe('B C')
    expect(await kubectl.ok(['scale', 'deploy/api', '--replicas=5'])).toContain('scaled')
    expect(await kubectl.ok(['rollout', 'restart', 'deploy/api'])).toContain('restarted')
    expect(await kubectl.ok(['set', 'image', 'deploy/api', 'main=api:3'])).toContain('image updated')
    expect(await jsonPath('deploy/api', '.spec.replicas')).toBe('5')
    expect(await kubectl.ok(['describe', 'deploy', 'api'])).toMatch(/Image: +api:3/)
  })

  test('applies on the server: owners by container, and no quarrel with what it applied itself before', async () => {
    const apply = (text: string, ...args: string[]) => kubectl.run(['apply', '--server-side', '-f', '-', ...args], text)
    const foreign = await apply(deployment('api:9', ENV), '--field-manager=somebody')
    expect([foreign.code, foreign.stderr]).toEqual([
      1,
      expect.stringContaining('.spec.template.spec.containers[name="main"].image'),
    ])
    const forced = await apply(deployment('api:4', ENV), '--force-conflicts')
    expect([forced.code, forced.stdout]).toEqual([0, expect.stringContaining('serverside-applied')])
    expect((await apply(deployment('api:5', ENV))).code).toBe(0)
  })

  test('is told of unknown fields and of wrong types', async () => {
    const misspelt = await kubectl.run(
      ['create', '-f', '-'],
      deployment('x', ENV).replace('name: api,', 'name: bad,').replace('image:', 'imgae:'),
    )
    expect(misspelt.stderr).toContain('unknown field "spec.template.spec.containers[0].imgae"')
    const mistyped = await kubectl.run(
      ['create', '-f', '-'],
      deployment('x', ENV).replace('name: api,', 'name: bad,').replace('2\n', 'two\n'),
    )
    expect(mistyped.stderr).toContain(
      'cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    )
  })

  test('explains fields', async () => {
    const explained = await kubectl.ok(['explain', 'deployment.spec'])
    expect(explained).toMatch(/replicas\t<integer>/)
    expect(explained).toMatch(/selector\t<LabelSelector> -required-/)
    expect(await kubectl.ok(['explain', 'pod.spec.containers.livenessProbe.httpGet'])).toMatch(
      /port\t<IntOrString> -required-/,
    )
    expect(await kubectl.ok(['explain', 'deployment.metadata'])).toContain(
      'Keys and values that are not for selection.',
    )
    expect(await kubectl.ok(['explain', 'crd.spec.versions.schema', '--recursive'])).toContain('openAPIV3Schema')
  })

  test('deletes what answers with itself, too', async () => {
    expect(await kubectl.ok(['delete', 'pod/one', 'svc/web2', 'deploy/api', 'sa/bot'])).toMatch(
      /pod "one" deleted[^]*service "web2" deleted[^]*deployment.apps "api" deleted[^]*serviceaccount "bot" deleted/,
    )
    const raw = JSON.parse(await kubectl.ok(['get', '--raw', '/openapi/v2'])) as { definitions: object }
    expect(Object.keys(raw.definitions)).toContain('io.k8s.api.core.v1.PodSpec')
  })
})
