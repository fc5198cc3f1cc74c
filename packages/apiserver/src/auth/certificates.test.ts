import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, VirtualClock } from '@locktender/kube'
import { expect, test } from 'vitest'
import { CertificateAuthority } from './certificates.ts'
import { ClientCertificates } from './client-certificates.ts'

const clock = systemClock()
const YEAR_MS = 365 * 24 * 60 * 60 * 1000

test('what the authority signs verifies, and says what it is for', async () => {
  const authority = new CertificateAuthority({ directory: undefined, clock })
  expect(authority.certificate).toBeUndefined()
  const { certificate, certificateAuthority } = await authority.serverIdentity()
  const root = new X509Certificate(certificateAuthority)
  expect(root.ca).toBe(true)
  expect(root.verify(root.publicKey)).toBe(true)
  const server = new X509Certificate(certificate)
  expect(server.ca).toBe(false)
  expect(server.checkIssued(root)).toBe(true)
  expect(server.verify(root.publicKey)).toBe(true)
  expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(server.checkIP('::1')).toBeDefined()
  expect(server.checkHost('localhost')).toBe('localhost')
  expect(server.checkHost(hostname().toLowerCase())).toBeDefined()
  expect(server.checkHost('example.com')).toBeUndefined()
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])

  const issued = await authority.issueClient({ name: '#ünï, CN=admin', groups: ['a+b', 'x'.repeat(300)] })
  const client = new X509Certificate(issued.certificate)
  expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(client.toLegacyObject().subject).toEqual({ CN: '#ünï, CN=admin', O: ['a+b', 'x'.repeat(300)] })
  expect(client.verify(root.publicKey)).toBe(true)
  expect(client.checkPrivateKey(createPrivateKey(issued.key))).toBe(true)
  expect(client.serialNumber).not.toBe(server.serialNumber)
})

test('an authority and the identity of its server are kept in the directory, for the owner only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'authority-'))
  try {
    const options = { directory: join(directory, 'pki'), clock }
    const first = await new CertificateAuthority(options).serverIdentity()
    const second = new CertificateAuthority(options)
    expect(second.certificate).toBe(first.certificateAuthority)
    expect(await second.serverIdentity()).toEqual(first)
    const issued = await second.issueClient({ name: 'a', groups: [] })
    expect(
      new X509Certificate(issued.certificate).verify(new X509Certificate(first.certificateAuthority).publicKey),
    ).toBe(true)
    for (const name of ['ca.key', 'server.key']) {
      expect((await stat(join(directory, 'pki', name))).mode & 0o077).toBe(0)
    }
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('a kept certificate of a client is given out again to the same user, as long as it is good', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'authority-'))
  try {
    const options = { directory, clock }
    const kept = { kept: true }
    const user = { name: 'a', groups: ['g'] }
    const issued = await new CertificateAuthority(options).issueClient(user, kept)
    const again = new CertificateAuthority(options)
    expect(await again.issueClient(user, kept)).toEqual(issued)
    expect(await again.issueClient(user)).not.toEqual(issued)
    expect(await again.issueClient({ ...user, groups: [] }, kept)).not.toEqual(issued)
    const later = { directory, clock: new VirtualClock(clock.now() + 0.95 * YEAR_MS) }
    expect(await new CertificateAuthority(later).issueClient(user, kept)).not.toEqual(issued)
    await rm(join(directory, 'ca.key'))
    expect(await new CertificateAuthority(options).issueClient(user, kept)).not.toEqual(issued)
    for (const name of await readdir(directory)) expect((await stat(join(directory, name))).mode & 0o077).toBe(0)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('certificates are good by the clock of the server, at both of their ends', async () => {
  const simulated = new VirtualClock(clock.now() + 3 * YEAR_MS)
  const authority = new CertificateAuthority({ directory: undefined, clock: simulated })
  const { certificate, certificateAuthority } = await authority.serverIdentity()
  // Clients of the server go by the time of the machine.
  expect(Date.parse(new X509Certificate(certificate).validFrom)).toBeLessThan(clock.now())
  const { certificate: pem } = await authority.issueClient({ name: 'a', groups: ['g'] })
  const client = new X509Certificate(pem)
  const at = (now: number): string | undefined =>
    new ClientCertificates(certificateAuthority, new VirtualClock(now)).userOf(client, 'hub')?.name
  expect(at(simulated.now())).toBe('a')
  expect(at(simulated.now() + YEAR_MS - 1000)).toBe('a')
  expect(at(simulated.now() + YEAR_MS + 1000)).toBeUndefined()
  expect(at(clock.now() - YEAR_MS)).toBeUndefined()
})

test('certificates of another authority, or for servers, are nobody’s', async () => {
  const [own, other] = [1, 2].map(() => new CertificateAuthority({ directory: undefined, clock }))
  const { certificate, certificateAuthority } = await own!.serverIdentity()
  const certificates = new ClientCertificates(certificateAuthority, clock)
  const foreign = await other!.issueClient({ name: 'admin', groups: ['system:masters'] })
  expect(certificates.userOf(new X509Certificate(foreign.certificate), 'hub')).toBeUndefined()
  expect(certificates.userOf(new X509Certificate(certificate), 'hub')).toBeUndefined()
  expect(certificates.userOf(new X509Certificate(certificateAuthority), 'hub')).toBeUndefined()
})
