import { deepEqual, fieldForbidden, fieldInvalid, invalid } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { firstCommonVersion, formatVersion, imageDigest, InputError, parseVersionRange } from '@locktender/releases'
import type { VersionRange } from '@locktender/releases'
import { parseDuration } from '../durations.ts'
import type { ComponentFix, ComponentFixPhase, ComponentFixTarget } from '../kinds/component-fix.ts'
import { componentFixes } from '../well-known.ts'
import type { AdmissionReader, AdmissionRequest } from './types.ts'

/** Fixes that are over left nothing behind that another could overwrite. */
const OVER: ReadonlySet<ComponentFixPhase> = new Set(['Reverted', 'Aborted', 'Refused'])

interface CheckedTarget {
  readonly index: number
  readonly target: ComponentFixTarget
  readonly range: VersionRange
}

/** Stamps the requester of a new fix and refuses one that cannot be delivered safely. */
export function admitComponentFix(
  object: ComponentFix,
  request: AdmissionRequest,
  reader: AdmissionReader,
): ComponentFix | undefined {
  if (request.oldObject !== undefined) return keepSpec(object, request.oldObject as ComponentFix)
  const errors: FieldError[] = []
  checkDeadline(object, errors)
  const targets = checkTargets(object, errors)
  checkOwnOverlaps(targets, errors)
  checkOtherFixes(object, targets, reader, errors)
  if (errors.length > 0) throw refuse(object, errors)
  return { ...object, spec: { ...object.spec, requestedBy: request.user.name } }
}

/** A manifest that is applied again does not say who requested it; everything it does say must be the same. */
function keepSpec(object: ComponentFix, old: ComponentFix): ComponentFix | undefined {
  const { requestedBy } = old.spec
  const kept =
    object.spec.requestedBy === undefined && requestedBy !== undefined
      ? { ...object, spec: { ...object.spec, requestedBy } }
      : object
  if (!deepEqual(kept.spec, old.spec)) {
    throw refuse(object, [
      fieldForbidden(
        'spec',
        'a fix cannot be changed, since approvals and control planes already rely on what it says; create another ComponentFix that supersedes this one',
      ),
    ])
  }
  return kept === object ? undefined : kept
}

function checkDeadline(object: ComponentFix, errors: FieldError[]): void {
  const { deadline } = object.spec
  try {
    if (parseDuration(deadline) > 0) return
    errors.push(
      fieldInvalid('spec.deadline', deadline, 'leaves no time at all, so every plan would miss it; write it like 24h'),
    )
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    errors.push(fieldInvalid('spec.deadline', deadline, error.message))
  }
}

function checkTargets(object: ComponentFix, errors: FieldError[]): CheckedTarget[] {
  const checked: CheckedTarget[] = []
  for (const [index, target] of object.spec.targets.entries()) {
    const path = `spec.targets[${index}]`
    attempt(`${path}.image`, target.image, errors, () => imageDigest(target.image))
    const { from, to } = target.versions
    attempt(`${path}.versions`, `${from}–${to}`, errors, () => {
      checked.push({ index, target, range: parseVersionRange(target.versions) })
    })
  }
  return checked
}

function attempt(path: string, value: string, errors: FieldError[], check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    errors.push(fieldInvalid(path, value, error.message))
  }
}

function checkOwnOverlaps(targets: readonly CheckedTarget[], errors: FieldError[]): void {
  for (const [position, later] of targets.entries()) {
    for (const earlier of targets.slice(0, position)) {
      const overlap = findOverlap(later, earlier)
      if (overlap === undefined) continue
      errors.push(
        fieldInvalid(
          `spec.targets[${later.index}]`,
          overlap,
          `spec.targets[${earlier.index}] is for ${overlap} as well, so that two images would be meant for one control plane; divide the versions between them`,
        ),
      )
    }
  }
}

function checkOtherFixes(
  object: ComponentFix,
  targets: readonly CheckedTarget[],
  reader: AdmissionReader,
  errors: FieldError[],
): void {
  const { component, supersedes = [] } = object.spec
  for (const other of reader.list<ComponentFix>(componentFixes)) {
    const { name } = other.metadata
    if (name === object.metadata.name || other.spec.component !== component) continue
    if (supersedes.includes(name) || other.spec.supersedes?.includes(object.metadata.name) === true) continue
    if (other.status !== undefined && OVER.has(other.status.phase)) continue
    const existing = checkTargets(other, [])
    for (const target of targets) {
      const overlap = existing.map((candidate) => findOverlap(target, candidate)).find((found) => found !== undefined)
      if (overlap === undefined) continue
      errors.push(
        fieldInvalid(
          `spec.targets[${target.index}]`,
          overlap,
          `ComponentFix "${name}" already replaces ${component} for ${overlap}, and a component can run only one image; if these images contain that fix too, add "${name}" to spec.supersedes, otherwise choose other versions or revert it first`,
        ),
      )
      break
    }
  }
}

/** An example of what both targets are for, `AWS 4.20.6`. */
function findOverlap(left: CheckedTarget, right: CheckedTarget): string | undefined {
  const platform = left.target.platforms.find((candidate) => right.target.platforms.includes(candidate))
  if (platform === undefined) return undefined
  const version = firstCommonVersion(left.range, right.range)
  return version === undefined ? undefined : `${platform} ${formatVersion(version)}`
}

function refuse(object: ComponentFix, errors: readonly FieldError[]) {
  return invalid(componentFixes, object.metadata.name, errors)
}
