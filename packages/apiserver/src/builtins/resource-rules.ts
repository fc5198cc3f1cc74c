import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotFound,
  fieldRequired,
  labelKeyProblems,
} from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { recordsAt, text } from './cells.ts'
import { quantityValue } from './quantity.ts'
import { refuse, required } from './rules.ts'
import type { Errors } from './rules.ts'

type Amounts = Readonly<Record<string, unknown>>

const OF_CONTAINERS = new Set(['cpu', 'memory', 'ephemeral-storage'])
const HUGE_PAGES = 'hugepages-'

const BILLION = 10n ** 9n

/** Whether a resource is one of Kubernetes' own. */
function isNative(name: string): boolean {
  return !name.includes('/') || name.split('/', 1)[0]!.endsWith('kubernetes.io')
}

/** Whether a resource may be promised to more than can have it. */
function canBeShared(name: string): boolean {
  return isNative(name) && !name.startsWith(HUGE_PAGES)
}

/** The name of a resource of containers; limit ranges are about those too. */
export function containerResourceName(name: string, path: string, errors: Errors): void {
  refuse(labelKeyProblems(name), name, path, errors)
  if (name.includes('/')) {
    if (isNative(name)) return
    if (labelKeyProblems(`requests.${name}`).length > 0) {
      errors.push(fieldInvalid(path, name, "doesn't follow extended resource name standard"))
    }
    return
  }
  if (OF_CONTAINERS.has(name) || name.startsWith(HUGE_PAGES)) return
  if (name !== 'storage' && !isQuotaResource(name)) {
    errors.push(fieldInvalid(path, name, 'must be a standard resource type or fully qualified'))
  }
  errors.push(fieldInvalid(path, name, 'must be a standard resource for containers'))
}

/** An amount that is not below nothing, and whole where it counts things. */
export function resourceAmount(name: string, amount: unknown, path: string, errors: Errors): void {
  const value = quantityValue(amount)
  if (value < 0n) errors.push(fieldInvalid(path, amount as string, 'must be greater than or equal to 0'))
  if (COUNTED.has(name) || !isNative(name)) {
    if (value % BILLION !== 0n) errors.push(fieldInvalid(path, amount as string, 'must be an integer'))
  }
}

/** What a quota can be about, beside numbers of objects (`count/…`) and what is fully qualified. */
const OF_QUOTAS = new Set([
  ...OF_CONTAINERS,
  ...['cpu', 'memory', 'ephemeral-storage', 'storage'].map((name) => `requests.${name}`),
  ...[...OF_CONTAINERS].map((name) => `limits.${name}`),
])

/** Whether a quota can be about a resource of this plain name. */
export function isQuotaResource(name: string): boolean {
  return OF_QUOTAS.has(name) || COUNTED.has(name)
}

/** Resources of which there are only whole ones. */
const COUNTED = new Set([
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
])

/** What a container asks for, and may have at most. */
export function containerResources(
  resources: Amounts,
  path: string,
  claims: ReadonlySet<unknown>,
  errors: Errors,
): void {
  const limits = isRecord(resources['limits']) ? resources['limits'] : {}
  const requests = isRecord(resources['requests']) ? resources['requests'] : {}
  const has = (name: string): boolean => name in limits || name in requests
  for (const name in limits) {
    containerResourceName(name, `${path}.limits[${name}]`, errors)
    resourceAmount(name, limits[name], `${path}.limits[${name}]`, errors)
  }
  for (const name in requests) {
    containerResourceName(name, `${path}.requests[${name}]`, errors)
    resourceAmount(name, requests[name], `${path}.requests[${name}]`, errors)
    if (name in limits) {
      const [request, limit] = [quantityValue(requests[name]), quantityValue(limits[name])]
      const shown = [requests[name] as string, limits[name] as string] as const
      if (request !== limit && !canBeShared(name)) {
        errors.push(fieldInvalid(`${path}.requests`, shown[0], `must be equal to ${name} limit of ${shown[1]}`))
      } else if (request > limit) {
        const why = `must be less than or equal to ${name} limit of ${shown[1]}`
        errors.push(fieldInvalid(`${path}.requests`, shown[0], why))
      }
    } else if (!canBeShared(name)) {
      errors.push(fieldRequired(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
    }
  }
  const huge = [...Object.keys(limits), ...Object.keys(requests)].some((name) => name.startsWith(HUGE_PAGES))
  if (huge && !has('cpu') && !has('memory')) {
    errors.push(fieldForbidden(path, 'HugePages require cpu or memory'))
  }
  checkClaims(resources, path, claims, errors)
}

function checkClaims(resources: Amounts, path: string, claims: ReadonlySet<unknown>, errors: Errors): void {
  const seen = new Set<string>()
  for (const [index, claim] of recordsAt(resources, 'claims').entries()) {
    const place = `${path}.claims[${index}]`
    const name = text('name')(claim)
    if (!required(name, `${place}.name`, errors)) continue
    if (seen.has(name)) errors.push(fieldDuplicate(place, name))
    seen.add(name)
    if (claims.has(name)) continue
    const error = fieldNotFound(place, name)
    const which = claims.size === 0 ? ' which is empty' : ''
    errors.push({ ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${which}` })
  }
}
