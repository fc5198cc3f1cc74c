import { fieldForbidden, fieldInvalid, fieldRequired } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { recordsAt, text } from './cells.ts'
import { oneOf, required, userId } from './rules.ts'
import type { Errors } from './rules.ts'

const PROFILES = ['Localhost', 'RuntimeDefault', 'Unconfined']

const SYSCTL = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const SYSCTL_PATTERN = new RegExp(`^${SYSCTL}$`)

function seccomp(profile: unknown, path: string, errors: Errors): void {
  if (!isRecord(profile)) return
  const { type, localhostProfile } = profile
  if (type === undefined || type === '')
    errors.push(fieldRequired(`${path}.type`, 'type is required when seccompProfile is set'))
  else oneOf(type, PROFILES, `${path}.type`, errors)
  if (type === 'Localhost') {
    if (localhostProfile === undefined || localhostProfile === '') {
      errors.push(fieldRequired(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost'))
    }
  } else if (localhostProfile !== undefined) {
    const why = 'can only be set when seccomp type is Localhost'
    errors.push(fieldInvalid(`${path}.localhostProfile`, localhostProfile as string, why))
  }
}

/** What a container may do on its node. */
export function containerSecurity(security: unknown, path: string, errors: Errors): void {
  if (!isRecord(security)) return
  const { privileged, allowPrivilegeEscalation: escalates, capabilities } = security
  userId(security['runAsUser'], `${path}.runAsUser`, errors)
  userId(security['runAsGroup'], `${path}.runAsGroup`, errors)
  oneOf(security['procMount'], ['Default', 'Unmasked'], `${path}.procMount`, errors)
  seccomp(security['seccompProfile'], `${path}.seccompProfile`, errors)
  if (escalates !== false) return
  const refuse = (what: string): number =>
    errors.push(fieldInvalid(path, security as Json, `cannot set \`allowPrivilegeEscalation\` to false and ${what}`))
  if (privileged === true) refuse('`privileged` to true')
  const added = isRecord(capabilities) && Array.isArray(capabilities['add']) ? capabilities['add'] : []
  if (added.includes('CAP_SYS_ADMIN')) refuse('`capabilities.Add` CAP_SYS_ADMIN')
}

/** What all containers of a pod may do. */
export function podSecurity(security: unknown, path: string, errors: Errors): void {
  if (!isRecord(security)) return
  for (const id of ['fsGroup', 'runAsUser', 'runAsGroup']) userId(security[id], `${path}.${id}`, errors)
  const groups = security['supplementalGroups']
  for (const [index, group] of (Array.isArray(groups) ? (groups as number[]) : []).entries()) {
    userId(group, `${path}.supplementalGroups[${index}]`, errors)
  }
  oneOf(security['supplementalGroupsPolicy'], ['Merge', 'Strict'], `${path}.supplementalGroupsPolicy`, errors)
  for (const [index, sysctl] of recordsAt(security, 'sysctls').entries()) {
    const place = `${path}.sysctls[${index}].name`
    const name = text('name')(sysctl)
    if (required(name, place, errors) && (name.length > 253 || !SYSCTL_PATTERN.test(name))) {
      errors.push(fieldInvalid(place, name, `must have at most 253 characters and match regex ^${SYSCTL}$`))
    }
  }
  oneOf(security['fsGroupChangePolicy'], ['Always', 'OnRootMismatch'], `${path}.fsGroupChangePolicy`, errors)
  seccomp(security['seccompProfile'], `${path}.seccompProfile`, errors)
  const windows = security['windowsOptions']
  if (isRecord(windows) && windows['runAsUserName'] === '') {
    errors.push(fieldInvalid(`${path}.windowsOptions.runAsUserName`, '', 'runAsUserName cannot be an empty string'))
  }
}

/** What pods for another operating system cannot have, of those that are for Linux alone. */
const LINUX_ONLY = ['hostPID', 'hostIPC'] as const
const LINUX_ONLY_SECURITY = [
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'shareProcessNamespace',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
]

/** A pod that says it is for Windows. */
export function windowsOnly(spec: Readonly<Record<string, unknown>>, path: string, errors: Errors): void {
  const why = 'cannot be set for a windows pod'
  for (const field of LINUX_ONLY) if (spec[field] === true) errors.push(fieldForbidden(`${path}.${field}`, why))
  const security = isRecord(spec['securityContext']) ? spec['securityContext'] : {}
  for (const field of LINUX_ONLY_SECURITY) {
    if (security[field] !== undefined) errors.push(fieldForbidden(`${path}.securityContext.${field}`, why))
  }
}
