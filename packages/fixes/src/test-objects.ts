import { API_VERSION } from '@locktender/fleet'
import type { ComponentFix, ControlPlane, ControlPlaneStatus, Rollout } from '@locktender/fleet'
import { defaultStrategy } from './default-strategy.ts'

/** An image whose content is `digit`. */
export function image(digit: string): string {
  return `registry.example/operator@sha256:${digit.repeat(64)}`
}

/** A stored fix for AWS 4.20.0–4.20.9 by alice. */
export function fixOf(name: string, spec: Partial<ComponentFix['spec']> = {}): ComponentFix {
  return {
    apiVersion: API_VERSION,
    kind: 'ComponentFix',
    metadata: { name, uid: `uid-${name}`, creationTimestamp: '2026-01-05T08:00:00Z' },
    spec: {
      ticket: 'OCPBUGS-1',
      component: 'control-plane-operator',
      targets: [{ platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.9' }, image: image('f') }],
      strategy: 'default',
      deadline: '24h',
      requestedBy: 'alice',
      ...spec,
    },
  }
}

export interface ControlPlaneOptions {
  readonly environment?: ControlPlaneStatus['identity']['environment']
  readonly sector?: string
  readonly version?: string
  readonly spec?: Partial<ControlPlane['spec']>
  readonly status?: Partial<ControlPlaneStatus>
}

/** A healthy control plane on AWS 4.20.6 in production/main that runs its release. */
export function controlPlaneOf(name: string, options: ControlPlaneOptions = {}): ControlPlane {
  const { environment = 'production', sector = 'main', version = '4.20.6', spec, status } = options
  return {
    apiVersion: API_VERSION,
    kind: 'ControlPlane',
    metadata: { name, namespace: 'mc-1', uid: `uid-${name}`, generation: 1 },
    spec: { hostedCluster: { namespace: 'clusters', name }, ...spec },
    status: {
      identity: {
        environment,
        sector,
        region: 'eu-1',
        platform: 'AWS',
        architecture: 'amd64',
        topology: 'HighlyAvailable',
        customer: 'acme',
        tier: 'gold',
      },
      version: { controlPlane: version, dataPlane: version },
      images: [{ component: 'control-plane-operator', image: image('0'), origin: 'payload' }],
      health: { state: 'Healthy', since: '2026-01-01T00:00:00Z' },
      nodeFingerprint: 'nodes',
      ...status,
    },
  }
}

/** An approved rollout of {@link fixOf} with the same name. */
export function rolloutOf(name: string): Rollout {
  return {
    apiVersion: API_VERSION,
    kind: 'Rollout',
    metadata: { name, uid: `uid-rollout-${name}`, generation: 1, resourceVersion: '1' },
    spec: {
      fix: name,
      fixUid: `uid-${name}`,
      strategy: defaultStrategy(),
      seed: 1,
      plan: {
        hash: `sha256:${'a'.repeat(64)}`,
        targets: 1,
        stages: [{ name: 'production', targets: 1, waves: [1] }],
      },
      deadline: '2026-01-06T08:00:00Z',
    },
  }
}
