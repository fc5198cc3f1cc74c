import type { Json } from './types.ts'

/** A JSON object. */
export type JsonObject = { [key: string]: Json }

/** Whether `value` is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
