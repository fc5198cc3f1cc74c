import { cel } from './engine.ts'

const substitutes: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
}

/**
 * The name under which rules find a property, as Kubernetes escapes it: `a-b` is `a__dash__b`, `namespace` is
 * `__namespace__`. Undefined for names that rules cannot say.
 */
export function fieldNameOf(property: string): string | undefined {
  if (cel().isReserved(property)) return `__${property}__`
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(property)) return undefined
  return property.replace(/__|[-./]/g, (part) => substitutes[part]!)
}
