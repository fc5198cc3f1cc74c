import { deepEqual, fieldInvalid, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { dnsLabelError } from '../objects/dns-names.ts'
import type { DefinitionNames } from './definition.ts'

/** Which names of a definition are its own now, and why not all of the wanted ones. */
export interface AcceptedNames {
  readonly names: DefinitionNames
  /** Undefined when all names are accepted. */
  readonly conflict: { readonly reason: string; readonly message: string } | undefined
}

/**
 * Gives a definition the names it asks for, except those that are `taken` by other definitions of its group; it keeps
 * what it has had before.
 */
export function acceptNames(
  wanted: DefinitionNames,
  had: DefinitionNames | undefined,
  taken: readonly DefinitionNames[],
): AcceptedNames {
  const resources = new Set(taken.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames]))
  const kinds = new Set(taken.flatMap(({ kind, listKind }) => [kind, listKind]))
  const names: DefinitionNames = { plural: '', kind: '', ...had }
  let conflict: AcceptedNames['conflict']
  const accept = (name: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string | undefined>): void => {
    const asked = wanted[name]
    if (asked !== had?.[name] && asked !== undefined && used.has(asked)) {
      const reason = `${name[0]!.toUpperCase()}${name.slice(1)}Conflict`
      conflict = { reason, message: `${JSON.stringify(asked)} is already in use` }
    } else if (asked !== undefined) {
      names[name] = asked
    }
  }
  accept('plural', resources)
  accept('singular', resources)
  if (!deepEqual(wanted.shortNames ?? [], had?.shortNames ?? [])) {
    const own = had?.shortNames ?? []
    const used = (wanted.shortNames ?? []).filter((name) => !own.includes(name) && resources.has(name))
    if (used.length > 0) {
      const inUse = used.map((name) => `${JSON.stringify(name)} is already in use`)
      const message = inUse.length === 1 ? inUse[0]! : `[${inUse.join(', ')}]`
      conflict = { reason: 'ShortNamesConflict', message }
    } else if (wanted.shortNames === undefined) delete names.shortNames
    else names.shortNames = wanted.shortNames
  }
  accept('kind', kinds)
  accept('listKind', kinds)
  if (wanted.categories === undefined) delete names.categories
  else names.categories = wanted.categories
  return { names, conflict }
}

/** Whether names can be part of paths, and are told apart. */
export function validateNames(names: DefinitionNames, field: string): FieldError[] {
  const errors: FieldError[] = []
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if ((names[name] ?? '') === '') errors.push(fieldRequired(`${field}.${name}`))
  }
  for (const name of ['plural', 'singular'] as const) checkLabel(`${field}.${name}`, names[name], errors)
  for (const name of ['kind', 'listKind'] as const) {
    const why = dnsLabelError((names[name] ?? '').toLowerCase())
    if ((names[name] ?? '') === '' || why === undefined) continue
    const detail = `may have mixed case, but should otherwise match: ${why}`
    errors.push(fieldInvalid(`${field}.${name}`, names[name], detail))
  }
  for (const list of ['shortNames', 'categories'] as const) {
    names[list]?.forEach((name, index) => checkLabel(`${field}.${list}[${index}]`, name, errors, true))
  }
  if (names.kind !== '' && names.kind === names.listKind) {
    errors.push(fieldInvalid(`${field}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  }
  return errors
}

function checkLabel(field: string, name: string | undefined, errors: FieldError[], evenEmpty = false): void {
  if (name === undefined || (name === '' && !evenEmpty)) return
  const why = dnsLabelError(name)
  if (why !== undefined) errors.push(fieldInvalid(field, name, why))
}
