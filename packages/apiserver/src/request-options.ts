import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired, fieldTooLong, invalid } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'

/** Longest field manager name, as in metav1 validation. */
const MAX_FIELD_MANAGER = 128

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** What the query of a write says beside the object. */
export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldValidation: FieldValidation
  readonly fieldManager: string
  readonly force: boolean
  /** What the client said itself, without what the server makes up for it. */
  readonly stated?: { readonly fieldManager?: string; readonly fieldValidation?: string }
}

type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions'

/**
 * Options of a POST, PUT or PATCH.
 * @throws ApiError Invalid
 */
export function parseWriteOptions(
  kind: OptionsKind,
  query: URLSearchParams,
  userAgent: string | undefined,
  apply = false,
): WriteOptions {
  const errors: FieldError[] = []
  const dryRun = parseDryRun(query.getAll('dryRun'), errors)
  const fieldValidation = query.get('fieldValidation') ?? ''
  if (fieldValidation !== '' && !isFieldValidation(fieldValidation)) {
    errors.push(fieldNotSupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  const named = query.get('fieldManager') ?? ''
  if (Buffer.byteLength(named) > MAX_FIELD_MANAGER) errors.push(fieldTooLong('fieldManager', MAX_FIELD_MANAGER))
  errors.push(...unprintable(named))
  if (apply && named === '') errors.push(fieldRequired('fieldManager', 'is required for apply patch'))
  const force = query.get('force')
  if (!apply && kind === 'PatchOptions' && force !== null) {
    errors.push(fieldForbidden('force', 'may not be specified for non-apply patch'))
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors)
  return {
    dryRun,
    fieldValidation: isFieldValidation(fieldValidation) ? fieldValidation : 'Warn',
    fieldManager: named === '' ? managerFromUserAgent(userAgent) : named,
    force: force === 'true' || force === '1',
    stated: {
      ...(named === '' ? {} : { fieldManager: named }),
      ...(fieldValidation === '' ? {} : { fieldValidation }),
    },
  }
}

function unprintable(manager: string): FieldError[] {
  if (manager === '') return []
  return [...manager.matchAll(/\p{C}/gu)].map(({ 0: character, index }) => {
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    const position = Buffer.byteLength(manager.slice(0, index))
    return fieldInvalid('fieldManager', manager, `invalid character U+${code} (at position ${position})`)
  })
}

/** Whether `dryRun` asks for a rehearsal; anything but `All` is an error. */
export function parseDryRun(values: readonly string[], errors: FieldError[]): boolean {
  if (values.some((value) => value !== 'All')) errors.push(fieldNotSupported('dryRun', values as string[], ['All']))
  return values.length > 0
}

function isFieldValidation(text: string): text is FieldValidation {
  return text === 'Ignore' || text === 'Warn' || text === 'Strict'
}

/** Managers that give no name are known by the product in their user agent. */
function managerFromUserAgent(userAgent = ''): string {
  const product = userAgent.split('/', 1)[0]!.replace(/\P{ASCII}/gu, '')
  return product === '' ? 'unknown' : product.slice(0, MAX_FIELD_MANAGER)
}
