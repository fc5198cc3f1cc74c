import 'reflect-metadata'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { webcrypto } from 'node:crypto'
import { group } from './case.ts'
import type { Body } from './fixtures.ts'
import { absent, exactly, including, timestamp, uuid } from './match.ts'
import { allow, as, whoami, WHOAMI } from './rights.ts'

export const credentials = group('G9', (add) => {
  add(
    'A06',
    'tokens of service accounts',
    async (t) => {
      const accounts = `/api/v1/namespaces/${t.ns}/serviceaccounts`
      const account = await t.create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 's' } })
      const request = (spec: object): object => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec })
      const made = (await t.post(`${accounts}/s/token`, request({ expirationSeconds: 600 }))).is(201, {
        kind: 'TokenRequest',
        metadata: { name: 's', namespace: t.ns },
        spec: { expirationSeconds: 600 },
        status: { token: /^[\w-]+\.[\w-]+\.[\w-]+$/, expirationTimestamp: timestamp },
      })
      const token = String(made.status?.['token'])
      const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as Record<
        string,
        number
      >
      const { iat = 0, exp = 0 } = claims
      t.match(
        claims,
        {
          sub: `system:serviceaccount:${t.ns}:s`,
          iss: /^https:/,
          aud: (made.spec as { audiences: string[] }).audiences,
          jti: uuid,
          'kubernetes.io': { namespace: t.ns, serviceaccount: exactly({ name: 's', uid: account.metadata.uid }) },
        },
        'claims',
      )
      t.match(exp - iat, 600, 'seconds the token holds')
      const name = `system:serviceaccount:${t.ns}:s`
      const groups = ['system:serviceaccounts', `system:serviceaccounts:${t.ns}`, 'system:authenticated']
      const self = t.as({ token })
      ;(await self.post(WHOAMI, whoami)).is(201, {
        status: { userInfo: { username: name, uid: account.metadata.uid, groups } },
      })
      ;(await self.get(t.CM)).refuses(403, 'Forbidden', {
        message: `configmaps is forbidden: User "${name}" cannot list resource "configmaps" in API group "" in the namespace "${t.ns}"`,
      })
      ;(await self.get(t.CM, as('bob'))).refuses(403, 'Forbidden', {
        message: `users "bob" is forbidden: User "${name}" cannot impersonate resource "users" in API group "" at the cluster scope`,
      })
      await allow(t, name, { apiGroups: [''], resources: ['configmaps'], verbs: ['list'] })
      await t.eventually(async () => (await self.get(t.CM)).is(200))
      const reviews = '/apis/authentication.k8s.io/v1/tokenreviews'
      const review = (spec: object): object => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec })
      ;(await t.post(reviews, review({ token }))).is(201, {
        status: { authenticated: true, user: { username: name, groups } },
      })
      ;(await t.post(reviews, review({ token: 'x' }))).is(201, {
        status: exactly({ user: {}, error: 'invalid bearer token' }),
      })
      ;(await t.post(reviews, review({ token, audiences: ['x'] }))).is(201, {
        status: { authenticated: absent, error: /token audiences \[.*\] is invalid for the target audiences \["x"\]/ },
      })
      // A token for others is none here.
      const other = (await t.post(`${accounts}/s/token`, request({ audiences: ['x'] }))).is(201, {
        spec: { audiences: ['x'], expirationSeconds: 3600 },
      })
      ;(await t.as({ token: String(other.status?.['token']) }).get(t.CM)).refuses(401, 'Unauthorized')
      ;(await t.post(`${accounts}/s/token`, request({ expirationSeconds: 5 }))).refuses(422, 'Invalid', {
        details: {
          causes: [
            {
              reason: 'FieldValueInvalid',
              field: 'spec.expirationSeconds',
              message: 'Invalid value: 5: may not specify a duration less than 10 minutes',
            },
          ],
        },
      })
      ;(await t.post(`${accounts}/absent/token`, request({}))).refuses(404, 'NotFound', {
        message: 'serviceaccounts "absent" not found',
      })
      const bound = { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'absent' } }
      ;(await t.post(`${accounts}/s/token`, request(bound))).refuses(404, 'NotFound', {
        message: 'secrets "absent" not found',
      })
      ;(await t.delete(`${accounts}/s`)).is(200)
      await t.eventually(async () => (await self.get(t.CM)).refuses(401, 'Unauthorized'), 20_000)
    },
    { timeoutMs: 45_000 },
  )

  add('A07', 'certificates', async (t) => {
    const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const pkcs10 = await Pkcs10CertificateRequestGenerator.create(
      { name: 'CN=carla,O=devs,O=ops', keys, signingAlgorithm: algorithm },
      webcrypto,
    )
    const request = Buffer.from(pkcs10.toString('pem')).toString('base64')
    const csr = (name: string, more: object = {}): Body => ({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request,
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
        expirationSeconds: 3600,
        ...more,
      },
    })
    const name = t.unique('csr')
    const made = await t.createGlobal(requests, csr(name))
    t.match(
      made,
      { spec: { request, groups: including('system:authenticated'), usages: ['client auth'] }, status: exactly({}) },
      'the request',
    )
    const condition = { type: 'Approved', status: 'True', reason: 'Conformance', message: 'for a test' }
    // Only the subresource approves.
    const direct = await t.patch(`${requests}/${name}`, 'merge', { status: { conditions: [condition] } })
    direct.is(200, { status: exactly({}) })
    const approved = await t.put(`${requests}/${name}/approval`, { ...made, status: { conditions: [condition] } })
    approved.is(200, {
      status: { conditions: [{ ...condition, lastUpdateTime: timestamp, lastTransitionTime: timestamp }] },
    })
    const signed = await t.eventually(async () =>
      (await t.get(`${requests}/${name}`)).is(200, { status: { certificate: /^[A-Za-z0-9+/]+=*$/ } }),
    )
    const certificate = Buffer.from(String(signed.status?.['certificate']), 'base64').toString('utf8')
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
    const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
    const carla = t.as({ certificate, key })
    ;(await carla.post(WHOAMI, whoami)).is(201, {
      status: { userInfo: { username: 'carla', groups: including('devs', 'ops', 'system:authenticated') } },
    })
    ;(await carla.get(t.CM)).refuses(403, 'Forbidden')
    await allow(t, 'carla', { apiGroups: [''], resources: ['configmaps'], verbs: ['list'] })
    await t.eventually(async () => (await carla.get(t.CM)).is(200))
    // What was decided stays decided.
    const taken = { ...signed, status: { ...signed.status, conditions: [] } }
    ;(await t.put(`${requests}/${name}/approval`, taken)).refuses(422, 'Invalid', {
      details: { causes: including({ reason: 'FieldValueForbidden', field: 'status.conditions' }) },
    })
    const denied = t.unique('csr')
    const second = await t.createGlobal(requests, csr(denied))
    const refusal = { ...condition, type: 'Denied' }
    ;(await t.put(`${requests}/${denied}/approval`, { ...second, status: { conditions: [refusal] } })).is(200)
    const both = { status: { conditions: [refusal, condition] } }
    ;(await t.patch(`${requests}/${denied}/approval`, 'merge', both)).refuses(422, 'Invalid')
    ;(await t.post(requests, csr('x', { request: Buffer.from('x').toString('base64') }))).refuses(422, 'Invalid', {
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.request' }] },
    })
    ;(await t.post(requests, csr('x', { expirationSeconds: 5 }))).refuses(422, 'Invalid', {
      details: {
        causes: [
          {
            field: 'spec.expirationSeconds',
            message: 'Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)',
          },
        ],
      },
    })
    ;(await t.post(requests, csr('x', { signerName: 'nope' }))).refuses(422, 'Invalid')
    ;(await t.patch(`${requests}/${denied}`, 'merge', { spec: { signerName: 'example.com/x' } })).is(200, {
      spec: { signerName: 'kubernetes.io/kube-apiserver-client' },
    })
  })
})
