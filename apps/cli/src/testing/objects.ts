import { defaultStrategy } from '@locktender/fixes'
import {
  API_VERSION,
  type ComponentFix,
  type ControlPlane,
  type Rollout,
  type RolloutStrategy,
  type RolloutStrategySpec,
} from '@locktender/fleet'

export const PLAN_HASH = `sha256:${'a'.repeat(64)}`

/** The fix of these tests, requested an hour before {@link runLkt}'s clock. */
export function fixOf(status?: ComponentFix['status']): ComponentFix {
  return {
    apiVersion: API_VERSION,
    kind: 'ComponentFix',
    metadata: { name: 'fix-1', creationTimestamp: '2026-01-05T07:00:00Z' },
    spec: {
      ticket: 'OCPBUGS-1',
      summary: 'Stops a leak',
      component: 'control-plane-operator',
      targets: [
        {
          platforms: ['AWS'],
          versions: { from: '4.20.0', to: '4.20.9' },
          image: `registry.example/operator@sha256:${'f'.repeat(64)}`,
        },
      ],
      strategy: 'default',
      deadline: '24h',
      requestedBy: 'alice',
    },
    ...(status === undefined ? {} : { status }),
  }
}

/** Its rollout over two stages of 4 and 10 control planes. */
export function rolloutOf(status?: Rollout['status'], spec: Partial<Rollout['spec']> = {}): Rollout {
  return {
    apiVersion: API_VERSION,
    kind: 'Rollout',
    metadata: { name: 'run-1', creationTimestamp: '2026-01-05T07:05:00Z' },
    spec: {
      fix: 'fix-1',
      fixUid: 'uid-1',
      strategy: {
        ...defaultStrategy(),
        stages: [
          { name: 'stage', selector: { environment: 'stage' }, canary: 4, factor: 2, soak: '30m', finalSoak: '1h' },
        ],
      },
      seed: 1,
      plan: {
        hash: PLAN_HASH,
        targets: 14,
        stages: [
          { name: 'stage', targets: 4, waves: [4] },
          { name: 'production', targets: 10, waves: [3, 7] },
        ],
      },
      deadline: '2026-01-06T07:00:00Z',
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  }
}

/** One stage done, the other under way with one failure. */
export const HALF_WAY: NonNullable<Rollout['status']> = {
  phase: 'Progressing',
  approvals: [
    { user: 'bob', time: '2026-01-05T07:06:00Z' },
    { user: 'carol', time: '2026-01-05T07:07:00Z' },
  ],
  stages: [
    {
      name: 'stage',
      phase: 'Passed',
      waves: [{ number: 1, size: 4, openedAt: '2026-01-05T07:10:00Z', applied: 4, failed: 0, broken: 0 }],
    },
    {
      name: 'production',
      phase: 'Open',
      waves: [{ number: 1, size: 3, openedAt: '2026-01-05T07:50:00Z', applied: 2, failed: 1, broken: 0 }],
    },
  ],
  counts: { Applied: 6, Failed: 1, Pending: 7 },
  eta: '2026-01-05T11:20:00Z',
  problems: [{ controlPlane: 'mc-1/cp-9', state: 'Failed', reason: 'Timeout', message: 'not ready after 45m' }],
  decisions: 9,
}

/** A control plane that {@link fixOf} concerns. */
export function controlPlaneOf(name: string, environment: 'stage' | 'production' = 'production'): ControlPlane {
  return {
    apiVersion: API_VERSION,
    kind: 'ControlPlane',
    metadata: { name, namespace: environment === 'stage' ? 'mc-s' : 'mc-p' },
    spec: { hostedCluster: { namespace: 'clusters', name } },
    status: {
      identity: {
        environment,
        sector: 'main',
        region: 'eu-1',
        platform: 'AWS',
        architecture: 'amd64',
        topology: 'HighlyAvailable',
        customer: `customer-${name}`,
        tier: 'silver',
      },
      version: { controlPlane: '4.20.3', dataPlane: '4.20.3' },
      images: [],
      health: { state: 'Healthy', since: '2026-01-01T00:00:00Z' },
      nodeFingerprint: 'f',
    },
  }
}

/** The strategy of {@link rolloutOf}. */
export function strategyOf(name: string, change: Partial<RolloutStrategySpec> = {}): RolloutStrategy {
  return {
    apiVersion: API_VERSION,
    kind: 'RolloutStrategy',
    metadata: { name },
    spec: { ...rolloutOf().spec.strategy, ...change },
  }
}
