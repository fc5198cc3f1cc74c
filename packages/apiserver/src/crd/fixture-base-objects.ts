import type { JsonObject } from '../schema/failure.ts'

/** For tests: what the rules of real definitions ask of the smallest object, by the name of the definition. */
export const baseObjects: Readonly<Record<string, JsonObject>> = {}
