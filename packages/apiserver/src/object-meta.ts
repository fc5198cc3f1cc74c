import { fieldInvalid, fieldTooLong, isLabelKey, isLabelValue } from '@locktender/kube'
import type { FieldError, ObjectMeta } from '@locktender/kube'
import type { ServedResource } from './served-resource.ts'

/** Sum of the bytes of all annotations, as in apimachinery TotalAnnotationSizeLimitB. */
const MAX_ANNOTATION_BYTES = 256 * 1024

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/** Rules of object metadata that hold for every kind. */
export function validateMeta(meta: ObjectMeta, names: ServedResource['names']): FieldError[] {
  const errors: FieldError[] = []
  validateName(meta.name, names, errors)
  if (meta.labels !== undefined) {
    validateMap(meta.labels, 'metadata.labels', errors, (value) =>
      isLabelValue(value)
        ? undefined
        : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start " +
          'and end with an alphanumeric character, and be at most 63 characters long',
    )
  }
  if (meta.annotations !== undefined) {
    validateMap(meta.annotations, 'metadata.annotations', errors)
    let bytes = 0
    for (const [key, value] of Object.entries(meta.annotations)) {
      // oxlint-disable-next-line typescript/no-unnecessary-type-conversion -- a client may have sent anything
      bytes += key.length + Buffer.byteLength(String(value))
    }
    if (bytes > MAX_ANNOTATION_BYTES) errors.push(fieldTooLong('metadata.annotations', MAX_ANNOTATION_BYTES))
  }
  for (const [index, finalizer] of (meta.finalizers ?? []).entries()) {
    if (typeof finalizer !== 'string' || !isLabelKey(finalizer)) {
      errors.push(fieldInvalid(`metadata.finalizers[${index}]`, finalizer, 'name part must be a qualified name'))
    }
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
    if (!SUBDOMAIN.test(name)) errors.push(fieldInvalid(field, name, SUBDOMAIN_RULE))
  }
}

function validateMap(
  map: Readonly<Record<string, unknown>>,
  field: string,
  errors: FieldError[],
  checkValue?: (value: string) => string | undefined,
): void {
  for (const key of Object.keys(map)) {
    const value = map[key]
    // Annotation keys may have capitals in their prefix; label keys are checked the same way after lowering it.
    if (!isLabelKey(checkValue === undefined ? key.toLowerCase() : key)) {
      errors.push(
        fieldInvalid(
          field,
          key,
          "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
            "character (e.g. 'MyName',  or 'my.name',  or '123-abc')",
        ),
      )
    }
    const wrong = typeof value === 'string' ? checkValue?.(value) : 'must be a string'
    if (wrong !== undefined) errors.push(fieldInvalid(field, value as string, wrong))
  }
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
