import type { KubeObject, Resource } from '@locktender/kube'
import type { AdmissionReader } from './admission/types.ts'
import type { Approval } from './kinds/approval.ts'
import type { ComponentFix, ComponentFixSpec } from './kinds/component-fix.ts'
import type { ControlPlane, ControlPlaneStatus } from './kinds/control-plane.ts'
import type { RolloutStrategySpec } from './kinds/rollout-strategy.ts'
import type { Rollout } from './kinds/rollout.ts'
import { API_VERSION } from './well-known.ts'

/** An image whose content is `digit`. */
export function image(digit: string): string {
  return `registry.example/operator@sha256:${digit.repeat(64)}`
}

export const PLAN_HASH = `sha256:${'a'.repeat(64)}`

/** A fix for AWS 4.20.0–4.20.9 by alice. */
export function fixOf(name: string, spec: Partial<ComponentFixSpec> = {}): ComponentFix {
  return {
    apiVersion: API_VERSION,
    kind: 'ComponentFix',
    metadata: { name, uid: `uid-${name}` },
    spec: {
      ticket: 'OCPBUGS-1',
      component: 'control-plane-operator',
      targets: [{ platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.9' }, image: image('f') }],
      strategy: 'standard',
      deadline: '24h',
      requestedBy: 'alice',
      ...spec,
    },
  }
}

export const STRATEGY: RolloutStrategySpec = {
  approvals: 2,
  stages: [
    {
      name: 'integration',
      selector: { environment: 'integration' },
      canary: 1,
      factor: 2,
      soak: '30m',
      finalSoak: '1h',
    },
  ],
  failureBudget: { percent: 5, minimum: 3 },
  sequentialTest: { goodRate: '0.005', badRate: '0.05', alpha: '0.01', beta: '0.01' },
  operationTimeout: '45m',
  autoRevert: true,
}

/** A rollout of a fix, waiting for approvals of {@link PLAN_HASH}. */
export function rolloutOf(name: string, fix: string): Rollout {
  return {
    apiVersion: API_VERSION,
    kind: 'Rollout',
    metadata: { name },
    spec: {
      fix,
      fixUid: `uid-${fix}`,
      strategy: STRATEGY,
      seed: 1,
      plan: { hash: PLAN_HASH, targets: 1, stages: [{ name: 'integration', targets: 1, waves: [1] }] },
      deadline: '2026-01-06T08:00:00Z',
    },
  }
}

/** An approval as a client writes it. */
export function approvalOf(name: string, spec: Partial<Approval['spec']> = {}): Approval {
  return {
    apiVersion: API_VERSION,
    kind: 'Approval',
    metadata: { name },
    spec: { rollout: 'run', planHash: PLAN_HASH, ...spec },
  }
}

export const REPORT: ControlPlaneStatus = {
  identity: {
    environment: 'stage',
    sector: 'main',
    region: 'east',
    platform: 'AWS',
    architecture: 'amd64',
    topology: 'HighlyAvailable',
    customer: 'acme',
    tier: 'gold',
  },
  version: { controlPlane: '4.20.6', dataPlane: '4.20.6' },
  images: [{ component: 'control-plane-operator', image: image('0'), origin: 'payload' }],
  health: { state: 'Healthy', since: '2026-01-05T08:00:00Z' },
  nodeFingerprint: 'n1',
}

/** A reported, untouched control plane on AWS 4.20.6 unless said otherwise. */
export function controlPlaneOf(
  name: string,
  options: { namespace?: string; spec?: Partial<ControlPlane['spec']>; status?: Partial<ControlPlaneStatus> } = {},
): ControlPlane {
  return {
    apiVersion: API_VERSION,
    kind: 'ControlPlane',
    metadata: { name, namespace: options.namespace ?? 'mc-1' },
    spec: { hostedCluster: { namespace: 'clusters', name }, ...options.spec },
    status: { ...REPORT, ...options.status },
  }
}

/** Reads from a list of objects. */
export function readerOf(...objects: KubeObject[]): AdmissionReader {
  const list = (resource: Resource) => objects.filter(({ kind }) => kind === resource.kind)
  return {
    get: <T extends KubeObject>(resource: Resource, name: string) =>
      list(resource).find(({ metadata }) => metadata.name === name) as T | undefined,
    list: <T extends KubeObject>(resource: Resource) => list(resource) as T[],
  }
}
