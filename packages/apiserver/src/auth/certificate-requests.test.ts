import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserInfo } from '../user.ts'
import { CertificateAuthority } from './certificates.ts'
import { WireServer } from './testing.ts'
import type { WireAnswer } from './testing.ts'
import { loadX509 } from './x509.ts'
import type { X509 } from './x509.ts'

const PATH = '/clusters/hub/apis/certificates.k8s.io/v1/certificatesigningrequests'
const SELF = '/clusters/hub/apis/authentication.k8s.io/v1/selfsubjectreviews'
const CLIENT = 'kubernetes.io/kube-apiserver-client'
const bob: UserInfo = { name: 'bob', groups: ['devs'], uid: 'u1', extra: { team: ['a'] } }

let server: WireServer
let names = 0

beforeAll(async () => {
  server = await WireServer.start()
})

afterAll(() => server.close())

interface Made {
  readonly pem: string
  readonly key: string
}

/** A request for the subject, signed with a new key. */
async function make(subject: X509.JsonName, alternativeNames: X509.JsonGeneralNames = []): Promise<Made> {
  const x509 = await loadX509()
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name(subject),
    keys,
    signingAlgorithm: algorithm,
    extensions: alternativeNames.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternativeNames)],
  })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return { pem: request.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` }
}

function send(pem: string, spec: object = {}, user?: UserInfo): Promise<WireAnswer> {
  const body = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: `r${++names}` },
    spec: { request: Buffer.from(pem).toString('base64'), signerName: CLIENT, usages: ['client auth'], ...spec },
  }
  return server.ask(PATH, { token: user === undefined ? server.token : server.server.issueToken(user), body })
}

interface Stored {
  readonly metadata: { readonly name: string }
  readonly spec: Record<string, unknown>
  readonly status: { readonly certificate?: string; readonly conditions?: Record<string, string>[] }
}

/** Creates a request and approves it; answers with what became of it. */
async function approved(pem: string, spec: object = {}): Promise<Stored> {
  const answer = await send(pem, spec)
  expect(answer.code).toBe(201)
  const made = answer.json() as unknown as Stored
  const path = `${PATH}/${made.metadata.name}`
  await server.ok(`${path}/approval`, { method: 'PUT', body: decided(made, 'Approved') })
  await server.clock.advance(0)
  return (await server.ok(path)) as unknown as Stored
}

function decided(request: Stored, type: string, more: object = {}): object {
  const conditions = [{ type, status: 'True', reason: 'Tested', message: 'by a test' }]
  return { ...request, status: { ...request.status, conditions, ...more } }
}

/** Gives the user rights on everything but signers, and one right on the signer. */
async function grant(user: string, verb: string, signer: string): Promise<void> {
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const name = `${user}-rights`
  const rules = [
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['certificatesigningrequests', 'certificatesigningrequests/*'],
      verbs: ['*'],
    },
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
      verbs: ['update'],
    },
    { apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames: [signer], verbs: [verb] },
  ]
  const base = `/clusters/hub/apis/${apiVersion}`
  await server.ok(`${base}/clusterroles`, { body: { apiVersion, kind: 'ClusterRole', metadata: { name }, rules } })
  await server.ok(`${base}/clusterrolebindings`, {
    body: {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name: user }],
    },
  })
}

describe('a request', () => {
  test('becomes a certificate by which its subject is known, for as long as was asked', async () => {
    const { pem, key } = await make([{ CN: ['carol'] }, { O: ['ops'] }, { O: ['audit'] }])
    const { status } = await approved(pem, { expirationSeconds: 600, usages: ['client auth', 'digital signature'] })
    expect(status.conditions).toEqual([
      {
        type: 'Approved',
        status: 'True',
        reason: 'Tested',
        message: 'by a test',
        lastUpdateTime: expect.any(String),
        lastTransitionTime: expect.any(String),
      },
    ])
    const certificate = Buffer.from(status.certificate!, 'base64').toString()
    const parsed = new X509Certificate(certificate)
    expect(Date.parse(parsed.validTo)).toBe(server.clock.now() + 600_000)
    expect([parsed.ca, parsed.keyUsage]).toEqual([false, ['1.3.6.1.5.5.7.3.2']])
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
    const ask = (): Promise<WireAnswer> => server.ask(SELF, { certificate: { certificate, key }, body })
    expect((await ask()).json().status!['userInfo']).toMatchObject({
      username: 'carol',
      groups: ['ops', 'audit', 'system:authenticated'],
    })
    // Whoever approves in one logical cluster makes nobody in another.
    const elsewhere = await server.ask(SELF.replace('hub', 'other'), { certificate: { certificate, key }, body })
    expect(elsewhere.code).toBe(401)
    await server.clock.advance(601_000)
    expect((await ask()).code).toBe(401)
  })

  test('says who made it, whatever it says itself, and stays as it is', async () => {
    const { pem } = await make([{ CN: ['carol'] }])
    await grant('bob', 'approve', 'example.com/other')
    const answer = await send(
      pem,
      { username: 'admin', groups: ['system:masters'], uid: 'x', extra: { a: ['b'] } },
      bob,
    )
    const made = answer.json() as unknown as Stored
    expect(made.spec).toMatchObject({
      username: 'bob',
      uid: 'u1',
      groups: ['devs', 'system:authenticated'],
      extra: { team: ['a'] },
    })
    const changed = { ...made, spec: { ...made.spec, signerName: 'example.com/x' }, status: decided(made, 'Approved') }
    const path = `${PATH}/${made.metadata.name}`
    const after = (await server.ok(path, { method: 'PUT', body: changed })) as unknown as Stored
    expect([after.spec, after.status]).toEqual([made.spec, made.status])
  })

  test('lasts a year when nothing else is asked for, and a year at most', async () => {
    const { pem } = await make([{ CN: ['carol'] }])
    for (const spec of [{}, { expirationSeconds: 10 * 365 * 24 * 3600 }]) {
      const { status } = await approved(pem, spec)
      const { validTo } = new X509Certificate(Buffer.from(status.certificate!, 'base64'))
      expect(server.clock.now() + 365 * 24 * 3600_000 - Date.parse(validTo)).toBe(5 * 60_000)
    }
  })

  test('must be readable, and signed with its own key', async () => {
    const [one, other] = await Promise.all([make([{ CN: ['a'] }]), make([{ CN: ['b'] }])])
    const der = (pem: string): Buffer => Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    const wrap = (bytes: Buffer): string =>
      `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    // The name of one with the signature of the other.
    const forged = Buffer.from(der(one.pem))
    forged[forged.indexOf('a', forged.indexOf(Buffer.from([0x55, 0x04, 0x03])))] = 'z'.charCodeAt(0)
    for (const pem of [
      '',
      'nothing',
      one.pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'),
      wrap(Buffer.from('nothing')),
      wrap(forged),
      wrap(der(other.pem).subarray(0, 100)),
    ]) {
      const answer = await send(pem)
      expect([answer.code, answer.json().message]).toEqual([422, expect.stringContaining('spec.request')])
    }
  })

  test.each([
    [{ usages: [] }, 'spec.usages'],
    [{ usages: ['fly'] }, 'spec.usages[0]'],
    [{ usages: ['client auth', 'client auth'] }, 'spec.usages[1]'],
    [{ signerName: '' }, 'spec.signerName'],
    [{ signerName: 'signer' }, 'spec.signerName'],
    [{ signerName: 'kubernetes.io/legacy-unknown' }, 'spec.signerName'],
    [{ expirationSeconds: 599 }, 'spec.expirationSeconds'],
  ])('cannot be made with %j', async (spec, field) => {
    const { pem } = await make([{ CN: ['carol'] }])
    const answer = await send(pem, spec)
    expect([answer.code, answer.json().message]).toEqual([422, expect.stringContaining(field)])
  })

  test('for the group nothing is refused to is not taken', async () => {
    const { pem } = await make([{ CN: ['carol'] }, { O: ['system:masters'] }])
    const answer = await send(pem)
    expect([answer.code, answer.json().message]).toEqual([
      403,
      expect.stringContaining(
        'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
      ),
    ])
  })
})

describe('the signer says why it does not sign', () => {
  const node = 'kubernetes.io/kube-apiserver-client-kubelet'
  const serving = 'kubernetes.io/kubelet-serving'
  const usages = ['client auth', 'digital signature']

  test.each([
    [CLIENT, [{ CN: ['c'] }], [], ['client auth', 'server auth'], 'invalid usage for client certificate: server auth'],
    [CLIENT, [{ CN: ['c'] }], [], ['digital signature'], 'missing required usage for client certificate: client auth'],
    [node, [{ CN: ['system:node:a'] }], [], usages, 'subject organization is not system:nodes'],
    [
      node,
      [{ CN: ['a'] }, { O: ['system:nodes'] }],
      [],
      usages,
      'subject common name does not begin with system:node:',
    ],
    [
      node,
      [{ CN: ['system:node:a'] }, { O: ['system:nodes'] }, { O: ['system:masters'] }],
      [],
      usages,
      'subject organization is not system:nodes',
    ],
    [
      node,
      [{ CN: ['system:node:a'] }, { O: ['system:nodes'] }],
      [{ type: 'dns', value: 'a' }],
      usages,
      'DNS subjectAltNames are not allowed',
    ],
    [
      node,
      [{ CN: ['system:node:a'] }, { O: ['system:nodes'] }],
      [],
      ['client auth'],
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [
      serving,
      [{ CN: ['system:node:a'] }, { O: ['system:nodes'] }],
      [],
      ['server auth', 'digital signature'],
      'DNS or IP subjectAltName is required',
    ],
    [
      serving,
      [{ CN: ['system:node:a'] }, { O: ['system:nodes'] }],
      [
        { type: 'dns', value: 'a' },
        { type: 'email', value: 'a@b.c' },
      ],
      ['server auth', 'digital signature'],
      'Email subjectAltNames are not allowed',
    ],
  ] as [string, X509.JsonName, X509.JsonGeneralNames, string[], string][])(
    '%s %j %j %j',
    async (signerName, subject, alternatives, wanted, message) => {
      const { pem } = await make(subject, alternatives)
      const { status } = await approved(pem, { signerName, usages: wanted })
      expect(status.certificate).toBeUndefined()
      expect(status.conditions).toEqual([
        expect.objectContaining({ type: 'Approved' }),
        expect.objectContaining({ type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message }),
      ])
    },
  )

  test('a certificate for serving is none for asking', async () => {
    const { pem, key } = await make(
      [{ CN: ['system:node:a'] }, { O: ['system:nodes'] }],
      [{ type: 'dns', value: 'node-a' }],
    )
    const { status } = await approved(pem, { signerName: serving, usages: ['server auth', 'digital signature'] })
    const certificate = Buffer.from(status.certificate!, 'base64').toString()
    expect(new X509Certificate(certificate).checkHost('node-a')).toBe('node-a')
    expect((await server.ask(SELF, { certificate: { certificate, key }, body: {} })).code).toBe(401)
  })
})

describe('who decides', () => {
  test('on approval has the right to approve for the signer, or for all of its domain', async () => {
    const { pem } = await make([{ CN: ['carol'] }])
    const made = (await send(pem)).json() as unknown as Stored
    const path = `${PATH}/${made.metadata.name}/approval`
    await grant('ann', 'approve', 'kubernetes.io/kubelet-serving')
    await grant('ada', 'approve', 'kubernetes.io/*')
    const by = (name: string): Promise<WireAnswer> =>
      server.ask(path, {
        method: 'PUT',
        token: server.server.issueToken({ name, groups: [] }),
        body: decided(made, 'Denied'),
      })
    const refused = await by('ann')
    expect([refused.code, refused.json().message]).toEqual([
      403,
      expect.stringContaining(
        'user not permitted to approve requests with signerName "kubernetes.io/kube-apiserver-client"',
      ),
    ])
    expect((await by('ada')).code).toBe(200)
    const denied = (await server.ok(`${PATH}/${made.metadata.name}`)) as unknown as Stored
    const taken = await server.ask(path, { method: 'PUT', token: server.token, body: { ...denied, status: {} } })
    expect([taken.code, taken.json().message]).toEqual([
      422,
      expect.stringContaining('may not remove a condition of type \\"Denied\\"'.replaceAll('\\', '')),
    ])
  })

  test('on the certificate has the right to sign; what is signed stays, and no approval comes with it', async () => {
    const authority = new CertificateAuthority({ directory: undefined, clock: server.clock })
    const [first, second] = await Promise.all(
      ['a', 'b'].map(async (name) =>
        Buffer.from((await authority.issueClient({ name, groups: [] })).certificate).toString('base64'),
      ),
    )
    const { pem } = await make([{ CN: ['carol'] }])
    const made = (await send(pem, { signerName: 'example.com/own' })).json() as unknown as Stored
    const path = `${PATH}/${made.metadata.name}/status`
    await grant('sid', 'sign', 'example.com/own')
    await grant('sue', 'approve', 'example.com/own')
    const by = (name: string, certificate: string): Promise<WireAnswer> =>
      server.ask(path, {
        method: 'PUT',
        token: server.server.issueToken({ name, groups: [] }),
        body: { ...(decided(made, 'Approved', { certificate }) as Stored), metadata: { name: made.metadata.name } },
      })
    expect((await by('sue', first!)).code).toBe(403)
    expect((await by('sid', Buffer.from('nothing').toString('base64'))).code).toBe(422)
    const signed = await by('sid', first!)
    expect(signed.json().status).toEqual({ certificate: first })
    expect((await by('sid', second!)).code).toBe(422)
  })
})
