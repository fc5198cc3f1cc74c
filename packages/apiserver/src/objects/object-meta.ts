import {
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  fieldTooLong,
  labelKeyProblems,
  labelValueProblems,
} from '@locktender/kube'
import type { FieldError, ObjectMeta } from '@locktender/kube'
import { labelProblems, oldLabelProblems, segmentProblems, subdomainProblems } from './dns-names.ts'
import type { ServedResource } from '../served-resource.ts'

/** Sum of the bytes of all annotations, as in apimachinery TotalAnnotationSizeLimitB. */
const MAX_ANNOTATION_BYTES = 256 * 1024

/** What validation needs to know about the kind. */
type Kind = Pick<ServedResource, 'names' | 'strictFinalizers'>

/** Rules of object metadata that hold for every kind. */
export function validateMeta(meta: ObjectMeta, kind: Kind): FieldError[] {
  const errors: FieldError[] = []
  const { generateName = '' } = meta
  // A name that is made from it may end where it ends with a hyphen.
  if (generateName !== '')
    nameErrors('metadata.generateName', generateName, generateName.replace(/.-$/, 'a'), kind, errors)
  nameErrors('metadata.name', meta.name, meta.name, kind, errors)
  if ((meta.generation ?? 0) < 0) {
    errors.push(fieldInvalid('metadata.generation', meta.generation, 'must be greater than or equal to 0'))
  }
  validateMaps(meta, errors)
  validateOwners(meta, errors)
  validateFinalizers(meta, kind, errors)
  return errors
}

/**
 * Rules of the next state of metadata. Kubernetes checks most of it twice, before and among the rules of the kind, and
 * its answer has those causes twice.
 */
export function validateNextMeta(
  meta: ObjectMeta,
  live: ObjectMeta,
  claims: readonly FieldError[],
  kind: Kind,
): FieldError[] {
  const errors = [...claims]
  if (live.deletionTimestamp !== undefined) errors.push(...newFinalizers(meta, live))
  validateMaps(meta, errors)
  validateOwners(meta, errors)
  const again = [...errors]
  validateFinalizers(meta, kind, again)
  return [...errors, ...again]
}

function newFinalizers(meta: ObjectMeta, live: ObjectMeta): FieldError[] {
  const added = (meta.finalizers ?? []).filter((finalizer) => !(live.finalizers ?? []).includes(finalizer))
  if (added.length === 0) return []
  const list = JSON.stringify(added)
  return [
    fieldForbidden(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list.slice(1, -1)}}`,
    ),
  ]
}

function validateMaps(meta: ObjectMeta, errors: FieldError[]): void {
  if (meta.labels !== undefined) {
    for (const [key, value] of Object.entries(meta.labels)) {
      errors.push(...keyErrors('metadata.labels', key, key))
      errors.push(...labelValueProblems(value).map((why) => fieldInvalid('metadata.labels', value, why)))
    }
  }
  if (meta.annotations === undefined) return
  let bytes = 0
  for (const [key, value] of Object.entries(meta.annotations)) {
    // Unlike those of labels, their prefixes may have capitals.
    errors.push(...keyErrors('metadata.annotations', key, key.toLowerCase()))
    // oxlint-disable-next-line typescript/no-unnecessary-type-conversion -- a client may have sent anything
    bytes += key.length + Buffer.byteLength(String(value))
  }
  if (bytes > MAX_ANNOTATION_BYTES) errors.push(fieldTooLong('metadata.annotations', MAX_ANNOTATION_BYTES))
}

/** Finalizers without a domain that Kubernetes itself uses. */
const STANDARD_FINALIZERS: readonly string[] = ['kubernetes', 'orphan', 'foregroundDeletion']

function validateFinalizers({ finalizers = [] }: ObjectMeta, { strictFinalizers }: Kind, errors: FieldError[]): void {
  const field = 'metadata.finalizers'
  for (const finalizer of finalizers) {
    errors.push(...labelKeyProblems(finalizer).map((why) => fieldInvalid(field, finalizer, why)))
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const why = 'finalizer orphan and foregroundDeletion cannot be both set'
    errors.push(fieldInvalid(field, [...finalizers], why))
  }
  if (strictFinalizers !== true) return
  for (const [index, finalizer] of finalizers.entries()) {
    if (finalizer.includes('/') || STANDARD_FINALIZERS.includes(finalizer)) continue
    const why = 'name is neither a standard finalizer name nor is it fully qualified'
    errors.push(fieldInvalid(`${field}[${index}]`, finalizer, why))
  }
}

function nameErrors(field: string, name: string, checked: string, { names }: Kind, errors: FieldError[]): void {
  const refuse = (why: string): void => void errors.push(fieldInvalid(field, name, why))
  if (name === '') {
    errors.push(fieldRequired(field, 'name or generateName is required'))
    return
  }
  for (const why of NAMES[names](checked)) refuse(why)
}

const NAMES: Readonly<Record<Kind['names'], (name: string) => string[]>> = {
  segment: segmentProblems,
  label: labelProblems,
  'dns-1035': oldLabelProblems,
  subdomain: subdomainProblems,
}

function keyErrors(field: string, key: string, checked: string): FieldError[] {
  return labelKeyProblems(checked).map((why) => fieldInvalid(field, key, why))
}

function validateOwners(meta: ObjectMeta, errors: FieldError[]): void {
  const field = 'metadata.ownerReferences'
  let controller: string | undefined
  for (const owner of meta.ownerReferences ?? []) {
    const { apiVersion = '', kind = '', name = '', uid = '' } = owner as Partial<typeof owner>
    if (apiVersion === '' || apiVersion.split('/').length > 2 || apiVersion.endsWith('/')) {
      errors.push(fieldInvalid(`${field}.apiVersion`, apiVersion, 'version must not be empty'))
    }
    for (const [part, value] of Object.entries({ kind, name, uid })) {
      if (value === '') errors.push(fieldInvalid(`${field}.${part}`, value, 'must not be empty'))
    }
    if (kind === 'Event' && apiVersion === 'v1') {
      errors.push(fieldInvalid(field, { ...owner }, '/v1, Kind=Event is disallowed from being an owner'))
    }
    if (owner.controller !== true) continue
    if (controller === undefined) {
      controller = `${kind}/${name}`
      continue
    }
    const what = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${kind}/${name}`
    const copies = (meta.ownerReferences ?? []).map(({ ...copy }) => copy)
    errors.push(fieldInvalid(field, copies, what))
  }
}
