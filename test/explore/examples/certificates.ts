import { isAlreadyExists, type KubeObject, type Resource } from '@locktender/kube'
import type { Controller, ObjectEvent } from '@locktender/runtime'
import { current, nameOf, read, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import {
  type ConfigMap,
  configMap,
  configMaps,
  type Custom,
  databases,
  MAIN,
  meta,
  NAMESPACE,
} from '../support/kinds.ts'
import { changeSpec, SETTLE } from '../support/steps.ts'

const certificates: Resource = { ...databases, plural: 'certificates', kind: 'Certificate' }
const requests: Resource = { ...databases, plural: 'certificaterequests', kind: 'CertificateRequest' }

interface CertificateSpec {
  /** Grows with each renewal that is wanted. */
  readonly revision: number
}

interface CertificateStatus {
  readonly revision?: number
}

type Certificate = Custom<CertificateSpec, CertificateStatus>
type Request = Custom<{ readonly certificate: string; readonly revision: number }, { readonly signed?: boolean }>

function certificateOf(event: ObjectEvent): string[] {
  return [`${NAMESPACE}/${(event.object() as Request).spec.certificate}`]
}

function isFor(name: string, revision: number): (request: Request) => boolean {
  return ({ spec }) => spec.certificate === name && spec.revision === revision
}

/** The revision that is wanted next, or none. */
function nextRevision({ spec, status }: Certificate): number | undefined {
  const revision = (status?.revision ?? 0) + 1
  return revision <= spec.revision ? revision : undefined
}

/** Asks for a certificate for each revision. */
function requester(variant: Variant): Controller {
  return {
    name: 'requester',
    reads: [read(certificates), read(requests, certificateOf)],
    writes: [write(requests)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const certificate = main.cache<Certificate>(certificates).get(key)
      const revision = certificate && nextRevision(certificate)
      if (revision === undefined) return
      const name = nameOf(key)
      if ([...main.cache<Request>(requests).values()].some(isFor(name, revision))) return
      const { name: _none, ...metadata } = meta('', { owner: certificate! })
      const named = variant === 'buggy' ? { generateName: `${name}-` } : { name: `${name}-${revision}` }
      const request: Request = {
        apiVersion: 'zoo.example.com/v1',
        kind: requests.kind,
        metadata: { ...metadata, ...named } as KubeObject['metadata'],
        spec: { certificate: name, revision },
      }
      try {
        await main.client.create(requests, request)
      } catch (error) {
        if (!isAlreadyExists(error)) throw error
      }
    },
  }
}

/** Signs what is asked for. */
function signer(): Controller {
  return {
    name: 'signer',
    reads: [read(requests)],
    writes: [write(requests, 'status')],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const request = await current<Request>(client, requests, nameOf(key))
      if (request === undefined || request.status?.signed === true) return
      await client.report(requests, request.metadata, { status: { signed: true } }, { subresource: 'status' })
    },
  }
}

/** Hands a signed certificate over. It trusts none of several for one revision. */
function issuer(): Controller {
  return {
    name: 'issuer',
    reads: [read(certificates), read(requests, certificateOf)],
    writes: [write(certificates, 'status'), write(configMaps)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const certificate = await current<Certificate>(client, certificates, name)
      const revision = certificate && nextRevision(certificate)
      if (certificate === undefined || revision === undefined) return
      const { items } = await client.list<Request>(requests, { namespace: NAMESPACE })
      const fitting = items.filter(isFor(name, revision))
      if (fitting.length !== 1 || fitting[0]!.status?.signed !== true) return
      const text = configMap(name, { text: `revision ${revision}` })
      await client.apply<ConfigMap>(configMaps, text, { fieldManager: 'issuer' })
      await client.report(certificates, certificate.metadata, { status: { revision } }, { subresource: 'status' })
    },
  }
}

/** Three controllers in two processes that hand a certificate from one to the next. */
export const certificateRequests: Bug = {
  name: 'certificate-requests',
  class: 'stale',
  report: 'cert-manager/cert-manager#4956',
  wentWrong:
    'Whether there is a request for the next revision is looked up in a cache that lags, and requests have generated names; of two requests for one revision neither is used, and no certificate comes any more.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `certificate-requests ${variant}`,
      kinds: [certificates, requests],
      operator: () => [requester(variant), issuer()],
      others: { authority: () => [signer()] },
      steps: [
        {
          create: {
            apiVersion: 'zoo.example.com/v1',
            kind: certificates.kind,
            metadata: meta('web'),
            spec: { revision: 1 },
          } as KubeObject,
        },
        SETTLE,
        changeSpec('web', { revision: 2 }, certificates),
      ],
    }),
}
