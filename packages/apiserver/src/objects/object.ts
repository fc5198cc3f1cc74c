import type { KubeObject } from '@locktender/kube'

/** An object of any kind, with access to its top-level fields. Objects in here are never changed once shared. */
export interface AnyObject extends KubeObject {
  [field: string]: unknown
}

/** A plain JSON object, not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** UTF-8 bytes of the JSON text of `value`. */
export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
