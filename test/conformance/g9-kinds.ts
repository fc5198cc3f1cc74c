import type { Answer, Obj } from './answer.ts'
import { group } from './case.ts'
import { configMap, lease } from './fixtures.ts'
import type { Body } from './fixtures.ts'
import { absent, exactly, timestamp, uuid, version } from './match.ts'

export const kinds = group('G9', (add) => {
  add('A11', 'events in two groups', async (t) => {
    const core = `/api/v1/namespaces/${t.ns}/events`
    const grouped = `/apis/events.k8s.io/v1/namespaces/${t.ns}/events`
    const involvedObject = { kind: 'ConfigMap', namespace: t.ns, name: 'c', uid: 'u', apiVersion: 'v1' }
    const made = await t.create(core, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject,
      reason: 'Tested',
      message: 'it was',
      type: 'Normal',
      count: 2,
      firstTimestamp: '2024-01-01T00:00:00Z',
      lastTimestamp: '2024-01-01T00:01:00Z',
      source: { component: 'conformance', host: 'h' },
    })
    t.match(
      made,
      {
        metadata: { uid: uuid, generation: absent },
        count: 2,
        eventTime: null,
        reportingComponent: '',
        reportingInstance: '',
      },
      'the event',
    )
    const seen = (await t.get(`${grouped}/e`)).is(200, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion },
      regarding: exactly(involvedObject),
      reason: 'Tested',
      note: 'it was',
      type: 'Normal',
      deprecatedCount: 2,
      deprecatedFirstTimestamp: '2024-01-01T00:00:00Z',
      deprecatedLastTimestamp: '2024-01-01T00:01:00Z',
      deprecatedSource: exactly({ component: 'conformance', host: 'h' }),
      eventTime: null,
      message: absent,
      involvedObject: absent,
    })
    t.match(seen.metadata.name, 'e', 'name')
    const eventTime = '2024-01-01T00:00:00.123456Z'
    const created = await t.create(grouped, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'n' },
      regarding: involvedObject,
      reason: 'Tested',
      action: 'Testing',
      note: 'again',
      type: 'Warning',
      eventTime,
      reportingController: 'example.com/conformance',
      reportingInstance: 'i',
      series: { count: 3, lastObservedTime: '2024-01-01T00:02:00.000000Z' },
    })
    ;(await t.get(`${core}/n`)).is(200, {
      apiVersion: 'v1',
      metadata: { uid: created.metadata.uid },
      involvedObject: exactly(involvedObject),
      message: 'again',
      action: 'Testing',
      eventTime,
      reportingComponent: 'example.com/conformance',
      reportingInstance: 'i',
      series: exactly({ count: 3, lastObservedTime: '2024-01-01T00:02:00.000000Z' }),
      firstTimestamp: null,
      source: exactly({}),
    })
    const names = async (path: string, fieldSelector: string): Promise<string[]> => {
      const { items } = (await t.get(path, { query: { fieldSelector } })).is<{ items: Obj[] }>(200)
      return items.map(({ metadata }) => metadata.name)
    }
    t.match(await names(core, 'involvedObject.name=c,type=Warning'), exactly(['n']), 'core events found')
    t.match(await names(grouped, 'regarding.name=c,reason=Tested'), exactly(['e', 'n']), 'events found')
    t.match(await names(core, 'involvedObject.name!=c'), exactly([]), 'events of others')
    const watch = await t.watch(grouped, { query: { resourceVersion: created.metadata.resourceVersion } })
    ;(await t.patch(`${core}/e`, 'strategic', { count: 3 })).is(200, { count: 3 })
    await watch.next('MODIFIED', { apiVersion: 'events.k8s.io/v1', metadata: { name: 'e' }, deprecatedCount: 3 })
    ;(await t.delete(`${grouped}/e`)).is(200)
    ;(await t.get(`${core}/e`)).refuses(404, 'NotFound', { message: 'events "e" not found' })
    await watch.next('DELETED', { metadata: { name: 'e' } })
    const elsewhere = await t.post(core, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'x' },
      involvedObject: { ...involvedObject, namespace: 'other' },
    })
    elsewhere.invalid('Event', 'x', [
      {
        reason: 'FieldValueInvalid',
        field: 'involvedObject.namespace',
        message: 'Invalid value: "other": does not match event.namespace',
      },
    ])
    ;(await t.patch(`${grouped}/n`, 'merge', { note: 'other' })).invalid('Event', 'n', [
      { reason: 'FieldValueInvalid', field: 'message', message: 'Invalid value: "other": field is immutable' },
    ])
  })

  add('A12', 'one leader', async (t) => {
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${t.ns}/leases`
    const path = `${leases}/leader`
    const held = (holderIdentity: string, more: object = {}): Body =>
      lease('leader', {
        holderIdentity,
        leaseDurationSeconds: 15,
        leaseTransitions: 0,
        acquireTime: '2024-01-01T00:00:00.000000Z',
        renewTime: '2024-01-01T00:00:00.000000Z',
        ...more,
      })
    // Nobody holds it: both look, both try, one wins.
    ;(await t.get(path)).refuses(404, 'NotFound', {
      details: exactly({ name: 'leader', group: 'coordination.k8s.io', kind: 'leases' }),
    })
    const tries = await Promise.all([t.post(leases, held('a')), t.post(leases, held('b'))])
    t.match(
      tries.map(({ status }) => status).toSorted((left, right) => left - right),
      exactly([201, 409]),
      'answers',
    )
    const won = tries.find(({ status }) => status === 201)!.json()
    t.match(
      won,
      {
        metadata: { generation: absent, resourceVersion: version },
        spec: { renewTime: '2024-01-01T00:00:00.000000Z' },
      },
      'the lease',
    )
    // Both saw it expire: both try to take it over.
    const takeover = (holder: string): Promise<Answer> =>
      t.put(path, {
        ...won,
        spec: { ...won.spec, holderIdentity: holder, leaseTransitions: 1, renewTime: '2024-01-01T00:01:00.654321Z' },
      })
    const overs = await Promise.all([takeover('c'), takeover('d')])
    t.match(
      overs.map(({ status }) => status).toSorted((left, right) => left - right),
      exactly([200, 409]),
      'answers to a takeover',
    )
    overs
      .find(({ status }) => status === 409)!
      .refuses(409, 'Conflict', {
        message:
          'Operation cannot be fulfilled on leases.coordination.k8s.io "leader": the object has been modified; please apply your changes to the latest version and try again',
      })
    const leader = overs.find(({ status }) => status === 200)!.json()
    const watch = await t.watch(leases, { query: { resourceVersion: leader.metadata.resourceVersion } })
    const renewed = await t.put(path, { ...leader, spec: { ...leader.spec, renewTime: '2024-01-01T00:01:10.000001Z' } })
    renewed.is(200, { spec: { renewTime: '2024-01-01T00:01:10.000001Z', leaseTransitions: 1 } })
    await watch.next('MODIFIED', { spec: { renewTime: '2024-01-01T00:01:10.000001Z' } })
    // It steps down.
    ;(await t.patch(path, 'merge', { spec: { holderIdentity: null } })).is(200, { spec: { holderIdentity: absent } })
    ;(await t.put(`${leases}/other`, lease('other', { holderIdentity: 'x' }))).is(201)
    ;(await t.post(leases, lease('bad', { leaseDurationSeconds: 0 }))).refuses(422, 'Invalid', {
      details: {
        causes: [
          {
            reason: 'FieldValueInvalid',
            field: 'spec.leaseDurationSeconds',
            message: 'Invalid value: 0: must be greater than 0',
          },
        ],
      },
    })
  })

  add('A13', 'secrets and config maps that do not change', async (t) => {
    const secrets = `/api/v1/namespaces/${t.ns}/secrets`
    const b64 = (text: string): string => Buffer.from(text).toString('base64')
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: b64('1'), b: b64('2') },
      stringData: { b: 'two', c: 'three' },
    }
    const made = await t.create(secrets, secret)
    t.match(
      made,
      { type: 'Opaque', stringData: absent, data: exactly({ a: b64('1'), b: b64('two'), c: b64('three') }) },
      'the secret',
    )
    ;(await t.patch(`${secrets}/s`, 'merge', { stringData: { a: 'one' } })).is(200, {
      data: { a: b64('one') },
      stringData: absent,
    })
    ;(await t.patch(`${secrets}/s`, 'merge', { type: 'example.com/other' })).invalid('Secret', 's', [
      { reason: 'FieldValueInvalid', field: 'type', message: 'Invalid value: "example.com/other": field is immutable' },
    ])
    ;(await t.post(secrets, { ...secret, metadata: { name: 'bad' }, data: { 'a b': '' }, stringData: {} })).invalid(
      'Secret',
      'bad',
      [
        {
          reason: 'FieldValueInvalid',
          field: 'data[a b]',
          message: /^Invalid value: "a b": a valid config key must consist of/,
        },
      ],
    )
    ;(await t.post(secrets, { ...secret, metadata: { name: 'bad' }, data: { a: '!' } })).refuses(400, 'BadRequest', {
      message: /^Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0$/,
    })
    const tls = {
      ...secret,
      metadata: { name: 'tls' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': '' },
      stringData: {},
    }
    ;(await t.post(secrets, tls)).invalid('Secret', 'tls', [
      { reason: 'FieldValueRequired', field: 'data[tls.key]', message: 'Required value' },
    ])
    const frozen = { ...configMap('c', { a: '1' }), immutable: true, binaryData: { b: b64('2') } }
    const map = await t.create(t.CM, frozen)
    const immutable = 'Forbidden: field is immutable when `immutable` is set'
    for (const [patch, field] of [
      [{ data: { a: '2' } }, 'data'],
      [{ data: { c: '2' } }, 'data'],
      [{ binaryData: { b: b64('3') } }, 'binaryData'],
      [{ immutable: false }, 'immutable'],
      [{ immutable: null }, 'immutable'],
    ] as const) {
      ;(await t.patch(`${t.CM}/c`, 'merge', patch)).invalid('ConfigMap', 'c', [
        { reason: 'FieldValueForbidden', field, message: immutable },
      ])
    }
    ;(await t.patch(`${t.CM}/c`, 'merge', { metadata: { labels: { a: 'b' } } })).is(200, {
      data: exactly({ a: '1' }),
      metadata: { labels: { a: 'b' }, creationTimestamp: timestamp, uid: map.metadata.uid },
    })
    ;(await t.post(t.CM, { ...configMap('both', { a: '1' }), binaryData: { a: '' } })).invalid('ConfigMap', 'both', [
      {
        reason: 'FieldValueInvalid',
        field: 'data[a]',
        message: 'Invalid value: "a": duplicate of key present in binaryData',
      },
    ])
  })

  add('A14', 'containers of pods that do not run', async (t) => {
    const pods = `/api/v1/namespaces/${t.ns}/pods`
    const container = (name: string): object => ({ name, image: 'i' })
    const pod = (name: string, ...containers: object[]): Body => ({
      apiVersion: 'v1',
      kind: 'Pod',
      // Nobody may put it on a node meanwhile.
      metadata: { name },
      spec: { containers, schedulerName: 'nobody' },
    })
    await t.create(pods, pod('one', container('c')))
    await t.create(pods, pod('two', container('c'), container('d')))
    t.match((await t.get(`${pods}/one/log`)).status, 204, 'the answer without a log')
    ;(await t.get(`${pods}/one/log`, { query: { container: 'x' } })).refuses(400, 'BadRequest', {
      message: 'container x is not valid for pod one',
    })
    ;(await t.get(`${pods}/two/log`)).refuses(400, 'BadRequest', {
      message: 'a container name must be specified for pod two, choose one of: [c d]',
    })
    ;(await t.get(`${pods}/one/log`, { query: { tailLines: '-1' } })).invalid('PodLogOptions', 'one', [
      {
        reason: 'FieldValueInvalid',
        field: 'tailLines',
        message: 'Invalid value: -1: must be greater than or equal to 0',
      },
    ])
    const homeless = { message: 'pod one does not have a host assigned' }
    ;(await t.get(`${pods}/one/exec`, { query: { command: 'ls' } })).refuses(400, 'BadRequest', homeless)
    ;(await t.get(`${pods}/one/attach`, { query: { stdout: 'true' } })).refuses(400, 'BadRequest', homeless)
    ;(await t.get(`${pods}/one/portforward`)).refuses(400, 'BadRequest', homeless)
    ;(await t.get(`${pods}/none/log`)).refuses(404, 'NotFound', { message: 'pods "none" not found' })
  })

  add('A15', 'what pods get when they are made', async (t) => {
    const pods = `/api/v1/namespaces/${t.ns}/pods`
    const spec = { containers: [{ name: 'c', image: 'i' }], schedulerName: 'nobody' }
    const pod = (name: string, more: object): Body => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { ...spec, ...more },
    })
    const lost = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }
    const made = await t.create(pods, pod('p', {}))
    t.match(
      made.spec,
      {
        priority: 0,
        preemptionPolicy: 'PreemptLowerPriority',
        tolerations: [
          { key: 'node.kubernetes.io/not-ready', ...lost },
          { key: 'node.kubernetes.io/unreachable', ...lost },
        ],
      },
      'the pod',
    )
    const name = t.unique('class')
    await t.createGlobal('/apis/scheduling.k8s.io/v1/priorityclasses', {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value: 7,
    } as Body)
    const classed = await t.create(pods, pod('classed', { priorityClassName: name }))
    t.match(classed.spec, { priority: 7, priorityClassName: name }, 'a pod with a class')
    ;(await t.post(pods, pod('lost', { priorityClassName: 'no-such' }))).refuses(403, 'Forbidden', {
      message: 'pods "lost" is forbidden: no PriorityClass with name no-such was found',
    })
    ;(await t.get('/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical')).is(200, { value: 2_000_001_000 })
    const claims = `/api/v1/namespaces/${t.ns}/persistentvolumeclaims`
    // Nothing may hold it where nobody is there to let it go.
    t.after(() => t.patch(`${claims}/c`, 'merge', { metadata: { finalizers: null } }))
    const claim = await t.create(claims, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    } as Body)
    t.match(claim.metadata, { finalizers: exactly(['kubernetes.io/pvc-protection']) }, 'a claim')
  })
})
