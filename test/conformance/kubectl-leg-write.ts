import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Case } from './case.ts'
import { configMap, gadget, widget } from './fixtures.ts'
import { deleted, leg, timedOut } from './kubectl-leg.ts'
import { age } from './program.ts'

/** create, patch, edit, replace, label, delete, wait. */
export const writes: readonly Case[] = leg((add) => {
  add('K30', 'create one of each', async (t, k) => {
    const created: readonly (readonly [string, string])[] = [
      ['cm c --from-literal=a=1', 'configmap/c'],
      ['secret generic s --from-literal=p=1', 'secret/s'],
      ['deploy d --image=nginx --replicas=0', 'deployment.apps/d'],
      ['role r --verb=get,list --resource=pods,widgets.example.com', 'role.rbac.authorization.k8s.io/r'],
      ['rolebinding rb --role=r --serviceaccount=default:bot', 'rolebinding.rbac.authorization.k8s.io/rb'],
      ['sa bot', 'serviceaccount/bot'],
      ['job j --image=busybox', 'job.batch/j'],
      ['cronjob cj --image=busybox --schedule=@daily', 'cronjob.batch/cj'],
      ['service clusterip svc --tcp=80:8080', 'service/svc'],
      ['service nodeport np --tcp=80', 'service/np'],
      ['service externalname en --external-name=example.com', 'service/en'],
      ['quota q --hard=pods=2', 'resourcequota/q'],
      ['ingress i --rule=example.com/*=svc:80', 'ingress.networking.k8s.io/i'],
      ['pdb b --selector=app=x --min-available=1', 'poddisruptionbudget.policy/b'],
    ]
    for (const [args, name] of created) await k.says(`create ${args}`, `${name} created\n`)
    await k.table('get role r', [
      ['NAME', 'CREATED AT'],
      ['r', /^\d{4}-/],
    ])
    await k.table('get rolebinding rb', [
      ['NAME', 'ROLE', 'AGE'],
      ['rb', 'Role/r', age],
    ])
    await k.table('get svc en', [
      ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE'],
      ['en', 'ExternalName', '<none>', 'example.com', '<none>', age],
    ])
    const [ns, role, binding, high] = ['n', 'cr', 'crb', 'pc'].map((prefix) => t.unique(prefix))
    t.after(() => t.delete(`/api/v1/namespaces/${ns}`))
    t.after(() => t.delete(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${role}`))
    t.after(() => t.delete(`/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${binding}`))
    t.after(() => t.delete(`/apis/scheduling.k8s.io/v1/priorityclasses/${high}`))
    await k.says(`create ns ${ns}`, `namespace/${ns} created\n`)
    await k.says(
      `create clusterrole ${role} --verb=get --resource=nodes`,
      `clusterrole.rbac.authorization.k8s.io/${role} created\n`,
    )
    await k.says(
      `create clusterrolebinding ${binding} --clusterrole=${role} --user=jane`,
      `clusterrolebinding.rbac.authorization.k8s.io/${binding} created\n`,
    )
    await k.says(`create priorityclass ${high} --value=10`, `priorityclass.scheduling.k8s.io/${high} created\n`)
    await k.fails(`create ns ${ns}`, `Error from server (AlreadyExists): namespaces "${ns}" already exists\n`)
    // kubectl adds "failed to create …" to the kinds that had such a function of their own.
    await k.fails(
      'create cm c',
      /^[Ee]rror(: failed to create configmap: configmaps "c" already exists| from server \(AlreadyExists\): configmaps "c" already exists)\n$/,
    )
    await k.fails(
      'create cm Bad_Name',
      /(metadata\.name: )?Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '\.'/,
    )
    await k.fails('create cm c -n nowhere-at-all', /namespaces "nowhere-at-all" not found\n$/)
    await k.says('create cm d --dry-run=server -o name', 'configmap/d\n')
    await k.says('create job k --from=cronjob/cj', 'job.batch/k created\n')
  })

  add('K31', 'create -f', async (t, k) => {
    await k.says('create -f -', 'widget.example.com/w created\n', { input: widget('w', { size: 5 }) })
    await k.fails(
      'create -f -',
      'Error from server (AlreadyExists): error when creating "STDIN": widgets.example.com "w" already exists\n',
      { input: widget('w') },
    )
    await k.says('create -f - -o name', /^configmap\/gen-[a-z0-9]{5}\n$/, {
      input: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } },
    })
    const many = stringify(configMap('a')) + `---\n${stringify(configMap('b'))}`
    await k.says('create -f -', 'configmap/a created\nconfigmap/b created\n', { input: many })
    await k.says('create -f - --save-config -o jsonpath={.metadata.annotations}', /last-applied-configuration/, {
      input: configMap('c'),
    })
    const name = t.unique('g')
    t.after(() => t.delete(`/apis/example.com/v1/gadgets/${name}`))
    await k.says('create -f -', `gadget.example.com/${name} created\n`, { input: gadget(name) })
    await k
      .fails(
        'create -f -',
        /^error: the namespace from the provided object "other" does not match the namespace "t-.*"\. You must pass '--namespace=other' to perform this operation\.\n$/,
        {
          input: configMap('x', {}, { namespace: 'other' }),
        },
      )
      .catch(async () => {
        // The namespace of the context gives way to that of the object.
        await k.fails(
          'create -f -',
          'Error from server (NotFound): error when creating "STDIN": namespaces "other" not found\n',
          { input: configMap('x', {}, { namespace: 'other' }) },
        )
      })
  })

  add('K32', 'patch of three types', async (t, k) => {
    await t.create(t.W, widget('w', { size: 5, mode: 'A' }))
    const patch = (type: string, body: object, what = 'widget w'): string[] => [
      'patch',
      ...what.split(' '),
      `--type=${type}`,
      '-p',
      JSON.stringify(body),
    ]
    await k.says(patch('merge', { spec: { size: 6 } }), 'widget.example.com/w patched\n')
    await k.says(patch('merge', { spec: { size: 6 } }), 'widget.example.com/w patched (no change)\n')
    await k.says(patch('json', [{ op: 'replace', path: '/spec/size', value: 7 }]), 'widget.example.com/w patched\n')
    t.match((await t.read(`${t.W}/w`)).spec, { size: 7, mode: 'A' }, 'spec')
    await k
      .fails(
        patch('strategic', { spec: { size: 8 } }),
        'error: application/strategic-merge-patch+json is not supported by example.com/v1, Kind=Widget: the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml\n',
      )
      .catch(async () => {
        await k.fails(
          patch('strategic', { spec: { size: 8 } }),
          /^Error from server \(UnsupportedMediaType\): the body of the request was in an unknown format - accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+(yaml|cbor).*\n$/,
        )
      })
    await k.says('create deploy d --image=nginx:1 --replicas=0', 'deployment.apps/d created\n')
    const containers = { spec: { template: { spec: { containers: [{ name: 'side', image: 's:1' }] } } } }
    await k.says(patch('strategic', containers, 'deploy d'), 'deployment.apps/d patched\n')
    await k.says('get deploy d -o jsonpath={.spec.template.spec.containers[*].name}', /^(side nginx|nginx side)$/)
    const refused = /^The request is invalid(: the server rejected our request due to an error in our request)?\n$/
    await k.fails(patch('json', [{ op: 'remove', path: '/spec/none' }]), refused)
    await k.fails(patch('json', [{ op: 'test', path: '/spec/size', value: 1 }]), refused)
    await k.fails(
      patch('merge', { spec: { size: 'big' } }),
      /^The Widget "w" is invalid: \n\* spec\.size: Invalid value: "string": spec\.size in body must be of type integer: "string"\n\* <nil>: Invalid value: (null: |"null": )?some validation rules were not checked because the object was invalid; correct the existing errors to complete validation\n$/,
    )
    await k.fails(
      patch('merge', { spec: {} }, 'widget none'),
      'Error from server (NotFound): widgets.example.com "none" not found\n',
    )
    await k.fails(
      patch('merge', { metadata: { resourceVersion: '1' } }),
      /^Error from server \(Conflict\): Operation cannot be fulfilled on widgets\.example\.com "w": the object has been modified; please apply your changes to the latest version and try again\n$/,
    )
    await k.says([...patch('merge', { spec: { size: 9 } }), '--dry-run=server', '-o', 'jsonpath={.spec.size}'], '9')
    await k.says('get widget w -o jsonpath={.spec.size}', '7')
  })

  add('K33', 'edit', async (t, k) => {
    await t.create(t.W, widget('w', { size: 5, mode: 'A' }))
    const edit = async (script: string): Promise<ReturnType<typeof k.with>> =>
      k.with({ KUBE_EDITOR: await k.file(`editor-${t.unique('e')}`, `#!/bin/sh\n${script}\n`) })
    const bigger = await edit(`sed -i 's/size: 5/size: 6/' "$1"`)
    await bigger.says('edit widget w', 'widget.example.com/w edited\n')
    t.match((await t.read(`${t.W}/w`)).spec, { size: 6 }, 'spec')
    const nothing = await edit('exit 0')
    await nothing.says('edit widget w', '', { stderr: 'Edit cancelled, no changes made.\n' })
    // Refused once, then left as it was by the editor: kubectl gives up and keeps what was typed.
    const wrong = await edit(`sed -i 's/size: 6$/size: 600/' "$1"; cat "$1" > '${k.folder}/typed'`)
    await wrong.fails(
      'edit widget w',
      /^error: widgets\.example\.com "w" is invalid\nA copy of your changes has been stored to ".*"\nerror: Edit cancelled, no valid changes were saved\.\n$/,
    )
    t.match(
      await readFile(join(k.folder, 'typed'), 'utf8'),
      /\n# widgets\.example\.com "w" was not valid:\n# \* spec\.size: Invalid value: 600: spec\.size in body should be less than or equal to 100\n/,
      'the reason',
    )
    await t.create(t.CM, configMap('c', { a: '1' }))
    const data = await edit(`sed -i 's/a: "1"/a: "2"/' "$1"`)
    await data.says('edit cm c', 'configmap/c edited\n')
    t.match((await t.read(`${t.CM}/c`)).data, { a: '2' }, 'data')
    t.match(
      (await t.read(`${t.CM}/c`)).metadata.managedFields!.map(({ manager }) => manager),
      ['conformance', 'kubectl-edit'],
      'managers',
    )
  })

  add('K34', 'replace', async (t, k) => {
    const made = await t.create(t.CM, configMap('c', { a: '1' }))
    await k.says('replace -f -', 'configmap/c replaced\n', { input: configMap('c', { b: '2' }) })
    t.match((await t.read<{ data: object }>(`${t.CM}/c`)).data, { b: '2' }, 'data')
    await k.fails(
      'replace -f -',
      /^Error from server \(Conflict\): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again\n$/,
      {
        input: configMap('c', {}, { resourceVersion: made.metadata.resourceVersion }),
      },
    )
    await k.fails(
      'replace -f -',
      'Error from server (NotFound): error when replacing "STDIN": configmaps "none" not found\n',
      { input: configMap('none') },
    )
    const said = await k.says('replace --force -f -', /^configmap "c" deleted.*\nconfigmap\/c replaced\n$/, {
      input: configMap('c', { c: '3' }),
    })
    t.check(said !== '', said)
    const again = await t.read(`${t.CM}/c`)
    t.check(again.metadata.uid !== made.metadata.uid, 'it was made again')
    await t.create(t.W, widget('w', { size: 5 }))
    await k.says('replace -f -', 'widget.example.com/w replaced\n', { input: widget('w', { size: 6 }) })
  })

  add('K35', 'label and annotate', async (t, k) => {
    await t.create(t.CM, configMap('c', {}, { labels: { a: '1' } }))
    await k.says('label cm c b=2', 'configmap/c labeled\n')
    if (k.minor >= 30) await k.says('label cm c b=2', 'configmap/c not labeled\n')
    await k.fails('label cm c a=2', /'a' already has a value \(1\), and --overwrite is false\n$/)
    await k.says('label cm c a=2 --overwrite', 'configmap/c labeled\n')
    await k.says('label cm c b-', k.minor < 23 ? 'configmap/c labeled\n' : 'configmap/c unlabeled\n')
    t.match((await t.read(`${t.CM}/c`)).metadata.labels, { a: '2' }, 'labels')
    await k.fails('label cm c bad=-x-', /invalid label(s)?( value)?|"-x-"/)
    await k.says('annotate cm c note=hello', /^configmap\/c annotated\n$/)
    await k.says('annotate cm c note-', /^configmap\/c annotated\n$/)
    await t.create(t.W, widget('w', {}, { labels: { x: 'y' } }))
    await k.says('label widgets -l x=y z=1', 'widget.example.com/w labeled\n')
    await k.says('label widgets --all z-', /^widget\.example\.com\/w (un)?labeled\n$/)
    await k.says('label widgets --list w', 'x=y\n')
    await k.fails('label cm none a=1', 'Error from server (NotFound): configmaps "none" not found\n')
  })

  add('K36', 'delete', async (t, k) => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await t.create(t.CM, configMap(name, {}, { labels: name < 'c' ? { app: 'x' } : { app: 'y' } }))
    }
    await k.says('delete cm -l app=x', `${deleted(k, 'configmap "a"', t.ns)}${deleted(k, 'configmap "b"', t.ns)}`)
    await k.says('delete cm/c --wait=false', deleted(k, 'configmap "c"', t.ns))
    await k.says('delete cm d --dry-run=server', deleted(k, 'configmap "d"', t.ns).replace('\n', ' (server dry run)\n'))
    await k.says('delete -f - -o name', 'configmap/d\n', { input: configMap('d') })
    await k.fails('delete cm d', 'Error from server (NotFound): configmaps "d" not found\n')
    await k.says('delete cm d --ignore-not-found', '')
    await k.says('delete cm -l app=none', 'No resources found\n')
    await t.create(t.W, widget('w1'))
    await t.create(t.W, widget('w2'))
    await k.says(
      'delete widgets --all',
      `${deleted(k, 'widget.example.com "w1"', t.ns)}${deleted(k, 'widget.example.com "w2"', t.ns)}`,
    )
    await k.says('get widgets -o name', '')
    await k.says('delete cm e --cascade=orphan --now', deleted(k, 'configmap "e"', t.ns))
  })

  add('K37', 'delete with dependents and finalizers', async (t, k) => {
    const owner = await t.create(t.CM, configMap('owner'))
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid, blockOwnerDeletion: true },
    ]
    await t.create(t.CM, configMap('child', {}, { ownerReferences }))
    await k.says('delete cm owner --cascade=foreground', deleted(k, 'configmap "owner"', t.ns))
    ;(await t.get(`${t.CM}/child`)).refuses(404, 'NotFound')
    const second = await t.create(t.CM, configMap('owner'))
    await t.create(
      t.CM,
      configMap('child', {}, { ownerReferences: [{ ...ownerReferences[0]!, uid: second.metadata.uid }] }),
    )
    await k.says('delete cm owner --cascade=orphan', deleted(k, 'configmap "owner"', t.ns))
    await t.eventually(async () =>
      t.check((await t.read(`${t.CM}/child`)).metadata['ownerReferences'] === undefined, 'the child has no owner'),
    )
    const third = await t.create(t.CM, configMap('owner'))
    await t.create(
      t.CM,
      configMap('kid', {}, { ownerReferences: [{ ...ownerReferences[0]!, uid: third.metadata.uid }] }),
    )
    await k.says('delete cm owner', deleted(k, 'configmap "owner"', t.ns))
    await t.eventually(async () => void (await t.get(`${t.CM}/kid`)).refuses(404, 'NotFound'))
    await t.create(t.W, widget('held', {}, { finalizers: ['example.com/hold'] }))
    await k.fails('delete widget held --timeout=1s', timedOut(' on widgets/held'), {
      stdout: deleted(k, 'widget.example.com "held"', t.ns),
    })
    const waiting = k.start('delete widget held')
    await waiting.printed((text) => text.includes('deleted'))
    ;(await t.patch(`${t.W}/held`, 'merge', { metadata: { finalizers: null } })).is(200)
    t.match((await waiting.ended).code, 0, 'exit code')
    const ns = t.unique('n')
    await k.says(`create ns ${ns}`, `namespace/${ns} created\n`)
    await k.says(`create cm c -n ${ns}`, 'configmap/c created\n')
    await k.says(`delete ns ${ns}`, `namespace "${ns}" deleted\n`)
    await k.fails(`get ns ${ns}`, `Error from server (NotFound): namespaces "${ns}" not found\n`)
  })

  add('K38', 'wait', async (t, k) => {
    await t.create(t.W, widget('w'))
    await t.create(`/apis/apps/v1/namespaces/${t.ns}/daemonsets`, daemonSet('ds'))
    await k.fails('wait ds/ds --for=condition=Fine --timeout=1s', timedOut(' on daemonsets/ds'))
    const waiting = k.run('wait ds/ds --for=condition=Fine --timeout=30s')
    await t.pause(500)
    const status = {
      status: {
        conditions: [{ type: 'Fine', status: 'True' }],
        currentNumberScheduled: 0,
        desiredNumberScheduled: 0,
        numberMisscheduled: 0,
        numberReady: 0,
      },
    }
    ;(await t.patch(`/apis/apps/v1/namespaces/${t.ns}/daemonsets/ds/status`, 'merge', status)).is(200)
    t.match(await waiting, { code: 0, stdout: 'daemonset.apps/ds condition met\n', stderr: '' }, 'kubectl wait')
    // What is gone before kubectl looks is an error to some versions, so it must be watching.
    const gone = k.start('wait widget/w --for=delete --timeout=30s -v=6')
    await gone.printed((_, log) => log.includes('watch=true'))
    ;(await t.delete(`${t.W}/w`)).is(200)
    t.match(await gone.ended, { code: 0, stdout: 'widget.example.com/w condition met\n' }, 'kubectl wait --for=delete')
    await k.fails(
      'wait widget/none --for=condition=Ready --timeout=1s',
      'Error from server (NotFound): widgets.example.com "none" not found\n',
    )
    if (k.minor >= 23) {
      await t.create(t.W, widget('p'))
      const phase = k.run('wait widget/p --for=jsonpath={.status.phase}=Up --timeout=30s')
      await t.pause(500)
      ;(await t.patch(`${t.W}/p/status`, 'merge', { status: { phase: 'Up' } })).is(200)
      t.match(
        await phase,
        { code: 0, stdout: 'widget.example.com/p condition met\n', stderr: '' },
        'kubectl wait --for=jsonpath',
      )
    }
    if (k.minor >= 31) {
      const creation = k.run('wait widget/late --for=create --timeout=30s')
      await t.pause(500)
      await t.create(t.W, widget('late'))
      t.match(
        await creation,
        { code: 0, stdout: 'widget.example.com/late condition met\n', stderr: '' },
        'kubectl wait --for=create',
      )
    }
  })
})

function daemonSet(name: string): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
    },
  }
}
