import { fieldInvalid, fieldTooLong } from '@locktender/kube'
import type { FieldError, ObjectMeta } from '@locktender/kube'
import { labelKeyProblems, labelValueProblems, subdomainRule } from './label-rules.ts'
import type { ServedResource } from './served-resource.ts'

/** Sum of the bytes of all annotations, as in apimachinery TotalAnnotationSizeLimitB. */
const MAX_ANNOTATION_BYTES = 256 * 1024

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

/** Rules of object metadata that hold for every kind. */
export function validateMeta(meta: ObjectMeta, names: ServedResource['names']): FieldError[] {
  const errors: FieldError[] = []
  validateName(meta.name, names, errors)
  if (meta.labels !== undefined) {
    for (const [key, value] of Object.entries(meta.labels)) {
      errors.push(...keyErrors('metadata.labels', key, key))
      errors.push(...labelValueProblems(value).map((why) => fieldInvalid('metadata.labels', value, why)))
    }
  }
  if (meta.annotations !== undefined) {
    let bytes = 0
    for (const [key, value] of Object.entries(meta.annotations)) {
      // Unlike those of labels, their prefixes may have capitals.
      errors.push(...keyErrors('metadata.annotations', key, key.toLowerCase()))
      // oxlint-disable-next-line typescript/no-unnecessary-type-conversion -- a client may have sent anything
      bytes += key.length + Buffer.byteLength(String(value))
    }
    if (bytes > MAX_ANNOTATION_BYTES) errors.push(fieldTooLong('metadata.annotations', MAX_ANNOTATION_BYTES))
  }
  for (const [index, finalizer] of (meta.finalizers ?? []).entries()) {
    const problems = typeof finalizer === 'string' ? labelKeyProblems(finalizer) : ['must be a string']
    errors.push(...problems.map((why) => fieldInvalid(`metadata.finalizers[${index}]`, finalizer, why)))
  }
  validateOwners(meta, errors)
  return errors
}

function validateName(name: string, names: ServedResource['names'], errors: FieldError[]): void {
  const field = 'metadata.name'
  if (names === 'segment') {
    if (name === '.' || name === '..' || /[/%]/.test(name)) {
      errors.push(fieldInvalid(field, name, "may not be '.' or '..' or contain '/' or '%'"))
    }
  } else if (names === 'label') {
    if (name.length > 63) errors.push(fieldInvalid(field, name, 'must be no more than 63 characters'))
    if (!LABEL.test(name)) errors.push(fieldInvalid(field, name, LABEL_RULE))
  } else {
    if (name.length > 253) errors.push(fieldInvalid(field, name, 'must be no more than 253 characters'))
    if (!SUBDOMAIN.test(name)) errors.push(fieldInvalid(field, name, subdomainRule))
  }
}

function keyErrors(field: string, key: string, checked: string): FieldError[] {
  return labelKeyProblems(checked).map((why) => fieldInvalid(field, key, why))
}

function validateOwners(meta: ObjectMeta, errors: FieldError[]): void {
  let controller: string | undefined
  for (const [index, owner] of (meta.ownerReferences ?? []).entries()) {
    const field = `metadata.ownerReferences[${index}]`
    for (const part of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      const value = owner[part] as unknown
      if (typeof value === 'string' && value !== '') continue
      const what = part === 'apiVersion' ? 'version must not be empty' : 'must not be empty'
      errors.push(fieldInvalid(`${field}.${part}`, typeof value === 'string' ? value : '', what))
    }
    if (owner.kind === 'Event' && owner.apiVersion === 'v1') {
      errors.push(fieldInvalid(field, { ...owner }, '/v1, Kind=Event is disallowed from being an owner'))
    }
    if (owner.controller !== true) continue
    if (controller !== undefined) {
      const what = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.name}`
      errors.push(
        fieldInvalid(
          'metadata.ownerReferences',
          (meta.ownerReferences ?? []).map(({ ...copy }) => copy),
          what,
        ),
      )
    } else {
      controller = owner.name
    }
  }
}
