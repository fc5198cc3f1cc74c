import { badRequest, forbidden } from '@locktender/kube'
import type { LogicalCluster } from '../cluster.ts'
import {
  authenticated,
  anonymousUser,
  authenticatedGroup,
  parseServiceAccount,
  serviceAccountGroups,
  unauthenticatedGroup,
} from '../user.ts'
import type { UserInfo } from '../user.ts'
import type { AccessAttributes } from './policy-rules.ts'
import { denial } from './rbac.ts'

const PREFIX = 'impersonate-'
const EXTRA_PREFIX = 'impersonate-extra-'

/** Between the values of an impersonation header that was sent several times; no header can hold it. */
export const valueSeparator = '\n'

/** Whether the values of a header must be kept apart: names of groups may have commas in them. */
export function isImpersonation(header: string): boolean {
  return header.startsWith(PREFIX)
}

/** One thing somebody wants to be, with the right it takes. */
interface Wanted {
  readonly kind: 'ServiceAccount' | 'User' | 'Group' | 'UserExtra' | 'UID'
  readonly attributes: Exclude<AccessAttributes, { path: string }> & { readonly name: string }
}

/**
 * The user a request wants to act as, with the impersonation headers of Kubernetes; the user itself without them.
 * @throws ApiError Forbidden, or BadRequest when no user is named
 */
export function impersonate(
  cluster: LogicalCluster,
  user: UserInfo,
  headers: Readonly<Record<string, string>>,
): UserInfo {
  const wanted = wantedBy(headers)
  if (wanted.length === 0) return user
  if (wanted[0]!.kind !== 'User' && wanted[0]!.kind !== 'ServiceAccount') {
    throw badRequest(`requested [${wanted.map(describe).join(' ')}] without impersonating a user`)
  }
  for (const { attributes } of wanted) {
    if (cluster.authorizer.allows(user, attributes)) continue
    const { group, resource, name } = attributes
    throw forbidden({ group, resource }, name, denial(user, attributes))
  }
  return become(wanted)
}

/** In the order in which Kubernetes asks: user, groups, extra fields, uid. */
function wantedBy(headers: Readonly<Record<string, string>>): Wanted[] {
  const users: Wanted[] = []
  const groups: Wanted[] = []
  const extras: Wanted[] = []
  const uids: Wanted[] = []
  for (const header in headers) {
    if (!isImpersonation(header)) continue
    const values = headers[header]!.split(valueSeparator)
    if (header === 'impersonate-user' && values[0] !== '') users.push(wantedUser(values[0]!))
    else if (header === 'impersonate-group')
      groups.push(...values.map((name) => wantedNamed('Group', '', 'groups', name)))
    else if (header === 'impersonate-uid' && values[0] !== '') {
      uids.push(wantedNamed('UID', 'authentication.k8s.io', 'uids', values[0]!))
    } else if (header.startsWith(EXTRA_PREFIX)) {
      const key = unescapeKey(header.slice(EXTRA_PREFIX.length))
      extras.push(...values.map((name) => wantedNamed('UserExtra', 'authentication.k8s.io', 'userextras', name, key)))
    }
  }
  return [...users, ...groups, ...extras, ...uids]
}

function wantedUser(name: string): Wanted {
  const account = parseServiceAccount(name)
  if (account === undefined) return wantedNamed('User', '', 'users', name)
  return {
    kind: 'ServiceAccount',
    attributes: { verb: 'impersonate', group: '', resource: 'serviceaccounts', ...account },
  }
}

function wantedNamed(
  kind: Wanted['kind'],
  group: string,
  resource: string,
  name: string,
  subresource?: string,
): Wanted {
  return { kind, attributes: { verb: 'impersonate', group, resource, subresource, name } }
}

function unescapeKey(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function become(wanted: readonly Wanted[]): UserInfo {
  const namesOf = (kind: Wanted['kind']): string[] =>
    wanted.filter((one) => one.kind === kind).map(({ attributes }) => attributes.name)
  const { kind, attributes } = wanted[0]!
  const { namespace = '' } = attributes
  const name = kind === 'User' ? attributes.name : `system:serviceaccount:${namespace}:${attributes.name}`
  const given = namesOf('Group')
  const groups = given.length === 0 && kind === 'ServiceAccount' ? serviceAccountGroups(namespace) : given
  const [uid] = namesOf('UID')
  const extra: Record<string, string[]> = {}
  for (const one of wanted) {
    if (one.kind === 'UserExtra') (extra[one.attributes.subresource!] ??= []).push(one.attributes.name)
  }
  const user: UserInfo = {
    name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  }
  if (groups.includes(unauthenticatedGroup) || groups.includes(authenticatedGroup)) return user
  return name === anonymousUser.name ? { ...user, groups: [...groups, unauthenticatedGroup] } : authenticated(user)
}

/** A v1 ObjectReference as Go prints it. */
function describe({ kind, attributes }: Wanted): string {
  const { group, namespace = '', name, subresource = '' } = attributes
  return `{${[kind, namespace, name, '', group === '' ? '' : `${group}/v1`, '', subresource].join(' ')}}`
}
