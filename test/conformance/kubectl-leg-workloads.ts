import type { Case } from './case.ts'
import { widget } from './fixtures.ts'
import { leg, timedOut } from './kubectl-leg.ts'
import { age } from './program.ts'

/** run, expose, scale, set, rollout. */
export const workloads: readonly Case[] = leg((add) => {
  add('K40', 'run and expose', async (t, k) => {
    await k.says('run one --image=nginx:1 --port=80 --labels=app=one', 'pod/one created\n')
    t.match(
      await t.read(`/api/v1/namespaces/${t.ns}/pods/one`),
      {
        metadata: { labels: { app: 'one' } },
        spec: {
          containers: [{ name: 'one', image: 'nginx:1', ports: [{ containerPort: 80, protocol: 'TCP' }] }],
          restartPolicy: 'Always',
        },
        status: { phase: 'Pending', qosClass: 'BestEffort' },
      },
      'the pod',
    )
    await k.table('get pod one', [
      ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'],
      ['one', '0/1', 'Pending', '0', age],
    ])
    await k.says('expose pod one --port=81 --target-port=80', 'service/one exposed\n')
    await k.table('get svc one', [
      ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE'],
      ['one', 'ClusterIP', /^\d+\.\d+\.\d+\.\d+$/, '<none>', '81/TCP', age],
    ])
    await k.says('create deploy web --image=nginx --replicas=0 --port=8080', 'deployment.apps/web created\n')
    await k.says('expose deploy web --type=NodePort', 'service/web exposed\n')
    await k.says(
      'get svc web -o jsonpath={.spec.type}{.spec.ports[0].targetPort}{.spec.selector}',
      'NodePort8080{"app":"web"}',
    )
    await k.fails('expose deploy web', 'Error from server (AlreadyExists): services "web" already exists\n')
    await k.fails('run one --image=nginx', 'Error from server (AlreadyExists): pods "one" already exists\n')
    await k.says('run two --image=nginx --dry-run=server -o name', 'pod/two\n')
    await k.says('run three --image=nginx --restart=Never --command -- sleep 10', 'pod/three created\n')
    await k.says('get pod three -o jsonpath={.spec.containers[0].command}{.spec.restartPolicy}', '["sleep","10"]Never')
  })

  add('K41', 'scale a deployment and a custom resource', async (t, k) => {
    await k.says('create deploy d --image=nginx --replicas=0', 'deployment.apps/d created\n')
    await k.says('scale deploy/d --replicas=1', 'deployment.apps/d scaled\n')
    await k.says('get deploy d -o jsonpath={.spec.replicas}', '1')
    await k.says('scale deploy/d --replicas=0 --current-replicas=1', 'deployment.apps/d scaled\n')
    await k.fails('scale deploy/d --replicas=3 --current-replicas=1', /^error: Expected replicas to be 1, was 0\n$/)
    await t.create(t.W, widget('w', { replicas: 1 }))
    await k.says('scale widget/w --replicas=4', 'widget.example.com/w scaled\n')
    await k.says('get widget w -o jsonpath={.spec.replicas}', '4')
    await k.fails(
      'scale widget/none --replicas=4',
      /^(error: no objects passed to scale|(error: no objects passed to scale )?(Error from server \(NotFound\): )?widgets\.example\.com "none" not found)\n$/,
    )
    await k.fails('scale cm/none --replicas=4', /NotFound|not found|could not find|no objects passed to scale/)
    await k.fails('scale deploy/d --replicas=-1', /replicas/)
  })

  add('K42', 'set', async (_t, k) => {
    await k.says('create deploy d --image=nginx:1 --replicas=0', 'deployment.apps/d created\n')
    await k.says('set image deploy/d nginx=nginx:2', 'deployment.apps/d image updated\n')
    await k.says('set image deploy/d nginx=nginx:2', '')
    await k.says('set env deploy/d A=1 B=2', 'deployment.apps/d env updated\n')
    await k.says('set env deploy/d A-', 'deployment.apps/d env updated\n')
    await k.says('set env deploy/d --list', /^# [^\n]*container nginx\nB=2\n$/)
    await k.says(
      'set resources deploy/d --limits=cpu=200m,memory=64Mi',
      'deployment.apps/d resource requirements updated\n',
    )
    await k.says('create sa bot', 'serviceaccount/bot created\n')
    await k.says('set serviceaccount deploy/d bot', 'deployment.apps/d serviceaccount updated\n')
    await k.says(
      'get deploy d -o jsonpath={.spec.template.spec.containers[0].image}{.spec.template.spec.containers[0].resources}{.spec.template.spec.serviceAccountName}',
      'nginx:2{"limits":{"cpu":"200m","memory":"64Mi"}}bot',
    )
    await k.fails('set image deploy/d other=x:1', 'error: unable to find container named "other"\n')
    await k.says('create svc clusterip s --tcp=80', 'service/s created\n')
    await k.says('set selector svc/s app=other', 'service/s selector updated\n')
    await k.says(
      'create rolebinding rb --clusterrole=view --user=a',
      'rolebinding.rbac.authorization.k8s.io/rb created\n',
    )
    await k.says('set subject rolebinding rb --user=b', 'rolebinding.rbac.authorization.k8s.io/rb subjects updated\n')
    // Older ones write the version of autoscaling that has gone.
    if (k.minor >= 35)
      await k.says('autoscale deploy d --max=3 --min=1', 'horizontalpodautoscaler.autoscaling/d autoscaled\n')
  })

  add('K43', 'rollout', async (t, k) => {
    await k.says('create deploy d --image=nginx:1 --replicas=0', 'deployment.apps/d created\n')
    await k.says('rollout restart deploy/d', 'deployment.apps/d restarted\n')
    const { metadata } = await t.read(`/apis/apps/v1/namespaces/${t.ns}/deployments/d`)
    t.match(metadata.generation, 2, 'generation')
    await k.says('rollout pause deploy/d', 'deployment.apps/d paused\n')
    await k.fails('rollout pause deploy/d', 'error: deployments.apps "d" is already paused\n')
    await k.says('rollout resume deploy/d', 'deployment.apps/d resumed\n')
    await k.says(
      'get deploy d -o jsonpath={.spec.template.metadata.annotations}',
      /^\{"kubectl\.kubernetes\.io\/restartedAt":"\d{4}-[^"]*"\}$/,
    )
    const daemons = `/apis/apps/v1/namespaces/${t.ns}/daemonsets`
    await t.create(daemons, {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'ds' },
      spec: {
        selector: { matchLabels: { app: 'ds' } },
        template: { metadata: { labels: { app: 'ds' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
      },
    })
    const status = (numbers: object): Promise<unknown> =>
      t
        .patch(`${daemons}/ds/status`, 'merge', {
          status: {
            desiredNumberScheduled: 2,
            currentNumberScheduled: 2,
            numberMisscheduled: 0,
            numberReady: 0,
            updatedNumberScheduled: 2,
            ...numbers,
          },
        })
        .then((answer) => answer.is(200))
    const watching = k.start('rollout status ds/ds --timeout=60s')
    await watching.printed((text) => text.includes('Waiting for daemon set spec update to be observed...\n'))
    await status({ observedGeneration: 1, numberAvailable: 1 })
    await watching.printed((text) =>
      text.includes('Waiting for daemon set "ds" rollout to finish: 1 of 2 updated pods are available...\n'),
    )
    await status({ observedGeneration: 1, numberAvailable: 2, numberReady: 2 })
    const said = await watching.ended
    t.match(said, { code: 0, stderr: '', stdout: /\ndaemon set "ds" successfully rolled out\n$/ }, 'rollout status')
    await status({ observedGeneration: 1, numberAvailable: 1 })
    await k.fails('rollout status ds/ds --timeout=1s', timedOut(), {
      stdout: /^Waiting for daemon set/,
    })
    await k.fails('rollout status deploy/none', 'Error from server (NotFound): deployments.apps "none" not found\n')
    await k.says('rollout history ds/ds', /^daemonset\.apps\/ds \n(No rollout history found\.\n)?$/)
  })

  add('K44', 'cordon and taint a node', async (t, k) => {
    const name = t.unique('node')
    await t.createGlobal('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } } as {
      metadata: { name: string }
    })
    await k.says(`cordon ${name}`, `node/${name} cordoned\n`)
    await k.table(`get node ${name}`, [
      ['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION'],
      [name, 'Unknown,SchedulingDisabled', '<none>', age],
    ])
    await k.says(`uncordon ${name}`, `node/${name} uncordoned\n`)
    await k.says(`taint node ${name} a=b:NoSchedule`, `node/${name} tainted\n`)
    await k.says(`taint node ${name} a-`, `node/${name} untainted\n`)
  })
})
