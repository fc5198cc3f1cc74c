import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CertificateAuthority } from './certificates.ts'

test('what the authority signs verifies, and says what it is for', () => {
  const authority = CertificateAuthority.open(undefined)
  const root = new X509Certificate(authority.certificate)
  expect(root.ca).toBe(true)
  expect(root.verify(root.publicKey)).toBe(true)

  const server = new X509Certificate(authority.issueServer().certificate)
  expect(server.ca).toBe(false)
  expect(server.checkIssued(root)).toBe(true)
  expect(server.verify(root.publicKey)).toBe(true)
  expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(server.checkIP('::1')).toBeDefined()
  expect(server.checkHost('localhost')).toBe('localhost')
  expect(server.checkHost('example.com')).toBeUndefined()
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])

  const issued = authority.issueClient({ name: 'ünï, CN=admin', groups: ['a+b', 'x'.repeat(300)] })
  const client = new X509Certificate(issued.certificate)
  expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(client.toLegacyObject().subject).toEqual({ CN: 'ünï, CN=admin', O: ['a+b', 'x'.repeat(300)] })
  expect(client.verify(root.publicKey)).toBe(true)
  expect(client.serialNumber).not.toBe(server.serialNumber)
})

test('an authority is kept in its directory, for the owner only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'authority-'))
  try {
    const first = CertificateAuthority.open(join(directory, 'pki'))
    const second = CertificateAuthority.open(join(directory, 'pki'))
    expect(second.certificate).toBe(first.certificate)
    const leaf = new X509Certificate(second.issueServer().certificate)
    expect(leaf.verify(new X509Certificate(first.certificate).publicKey)).toBe(true)
    expect((await stat(join(directory, 'pki', 'ca.key'))).mode & 0o077).toBe(0)
  } finally {
    await rm(directory, { recursive: true })
  }
})
