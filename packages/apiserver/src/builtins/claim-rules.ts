import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import { at, text } from './cells.ts'
import { quantityValue } from './quantity.ts'
import { subdomainProblems } from '../objects/dns-names.ts'
import { oneOf, optionalName } from './rules.ts'
import type { Errors } from './rules.ts'

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const VOLUME_MODES: readonly string[] = ['Block', 'Filesystem']

/** How nodes may use a volume: known words, and one of them alone when it says so. */
export function accessModes(modes: unknown, path: string, errors: Errors): void {
  const list = Array.isArray(modes) ? (modes as string[]) : []
  for (const mode of list) {
    if (!ACCESS_MODES.includes(mode)) errors.push(fieldNotSupported(path, mode, ACCESS_MODES))
  }
  if (list.includes('ReadWriteOncePod') && list.some((mode) => mode !== 'ReadWriteOncePod')) {
    errors.push(fieldForbidden(path, 'may not use ReadWriteOncePod with other access modes'))
  }
}

/** What a claim of storage must say, at `path`; pods may have such claims in their volumes. */
export function claimSpecErrors(spec: unknown, path: string): FieldError[] {
  const errors: Errors = []
  const modes = at(spec, 'accessModes')
  if (!Array.isArray(modes) || modes.length === 0) {
    errors.push(fieldRequired(`${path}.accessModes`, 'at least 1 access mode is required'))
  }
  const selector = at(spec, 'selector')
  if (isRecord(selector)) checkSelector(selector, `${path}.selector`, errors)
  accessModes(modes, `${path}.accessModes`, errors)
  const storage = at(spec, 'resources', 'requests', 'storage')
  if (storage === undefined) errors.push(fieldRequired(`${path}.resources[storage]`))
  else if (quantityValue(storage) <= 0n) {
    errors.push(fieldInvalid(`${path}.resources[storage]`, storage as string, 'must be greater than zero'))
  }
  optionalName(at(spec, 'storageClassName'), subdomainProblems, `${path}.storageClassName`, errors)
  oneOf(at(spec, 'volumeMode'), VOLUME_MODES, `${path}.volumeMode`, errors)
  for (const field of ['dataSource', 'dataSourceRef']) sourceErrors(at(spec, field), `${path}.${field}`, errors)
  return errors
}

/** What a claim begins with; defaults have dropped what is no source. */
function sourceErrors(source: unknown, path: string, errors: Errors): void {
  if (!isRecord(source)) return
  for (const field of ['name', 'kind']) {
    if (text(field)(source) === '') errors.push(fieldRequired(`${path}.${field}`))
  }
  const group = text('apiGroup')(source)
  if (group === '' && source['kind'] !== 'PersistentVolumeClaim') {
    errors.push(
      fieldInvalid(path, text('kind')(source), "must be 'PersistentVolumeClaim' when referencing the default apiGroup"),
    )
  }
}
