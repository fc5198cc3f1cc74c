import type { Condition } from '@locktender/kube'
import { array, integer, object, oneOf, string } from './builder.ts'
import type { OptionalSchema, Schema } from './builder.ts'
import { optional } from './builder.ts'

/** Platforms of HostedCluster.spec.platform.type. */
export const PLATFORMS = [
  'AWS',
  'Azure',
  'GCP',
  'KubeVirt',
  'Agent',
  'IBMCloud',
  'PowerVS',
  'OpenStack',
  'None',
] as const

/** Where control planes live, from the least to the most precious. */
export const ENVIRONMENTS = ['integration', 'stage', 'production'] as const

/** The name of an object (RFC 1123 subdomain). */
export function objectName(description: string): Schema<string> {
  return string(description, { minLength: 1, maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' })
}

/** A short word used as a label value or list key. */
export function word(description: string): Schema<string> {
  return string(description, { minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$' })
}

/** A label value that may be empty. */
export function label(description: string): Schema<string> {
  return string(description, { maxLength: 63, pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$' })
}

/** Text for people. */
export function prose(description: string, maxLength = 1024): Schema<string> {
  return string(description, { maxLength })
}

/** The name of a user as the API server authenticated it. */
export function userName(description: string): Schema<string> {
  return string(description, { minLength: 1, maxLength: 256 })
}

/** A release version. */
export function version(description: string, options: { readonly default?: string } = {}): Schema<string> {
  return string(description, {
    maxLength: 64,
    pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$',
    ...options,
  })
}

/** An image reference that names its content. */
export function digestImage(description: string): Schema<string> {
  return string(description, { maxLength: 512, pattern: '^[^@\\s]+@sha256:[0-9a-f]{64}$' })
}

/** An image reference as found in the world: with a tag, a digest or both. */
export function anyImage(description: string): Schema<string> {
  return string(description, { minLength: 1, maxLength: 512, pattern: '^\\S+$' })
}

/** A moment, RFC 3339 with seconds. */
export function time(description: string): Schema<string> {
  return string(description, { format: 'date-time', maxLength: 40 })
}

/** A length of time as in metav1.Duration: `90s`, `1h30m`. */
export function duration(description: string, options: { readonly default?: string } = {}): Schema<string> {
  return string(description, { maxLength: 32, pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$', ...options })
}

/** A probability strictly between 0 and 1, as text since the API has no floating point numbers. */
export function probability(description: string, options: { readonly default?: string } = {}): Schema<string> {
  return string(description, { maxLength: 12, pattern: '^0\\.[0-9]*[1-9][0-9]*$', ...options })
}

/** A number of control planes or of things per control plane. */
export function count(description: string): Schema<number> {
  return integer(description, { minimum: 0, maximum: 10_000_000 })
}

/** metav1.Condition list, keyed by type. */
export function conditions(): OptionalSchema<readonly Condition[]> {
  const condition = object('One aspect of the state.', {
    type: string('Aspect, CamelCase.', {
      maxLength: 316,
      pattern: '^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
    }),
    status: oneOf('True, False or Unknown.', ['True', 'False', 'Unknown']),
    reason: string('Why the status is what it is, one CamelCase word for programs.', {
      minLength: 1,
      maxLength: 1024,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    }),
    message: string('Why the status is what it is, for people.', { maxLength: 4096 }),
    lastTransitionTime: time('When the status last changed.'),
    observedGeneration: optional(
      integer('Generation of the spec this was computed from.', { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    ),
  })
  return optional(array<Condition>('Latest observations of the state.', condition, { maxItems: 16, keys: ['type'] }))
}
