import type { FieldError, Json, StructuralSchema } from '@locktender/kube'
import { evaluateRules } from './evaluate-rules.ts'
import { ruleTreeOf } from './rule-tree.ts'

/** The rules a default breaks, both when it comes into an object and when it stays. */
export function checkDefaultByRules(
  schema: StructuralSchema,
  isResource: boolean,
  value: Json,
  path: string,
): FieldError[] {
  const tree = ruleTreeOf(schema, isResource)
  if (tree === undefined) return []
  const staying = evaluateRules(tree, value, value, path, false)
  return staying.length > 0 ? staying : evaluateRules(tree, value, undefined, path)
}
