/** Who makes a request, as authentication or the owner of a loopback transport says. */
export interface UserInfo {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid?: string
  /** More about the user, by key in lower case. */
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** Members bypass authorization. */
export const mastersGroup = 'system:masters'

/** Every user who presented valid credentials is a member. */
export const authenticatedGroup = 'system:authenticated'

/** Who presented no credentials is a member. */
export const unauthenticatedGroup = 'system:unauthenticated'

/** Who made a request without credentials; allowed only on the few public paths, unless the server lets it in. */
export const anonymousUser: UserInfo = { name: 'system:anonymous', groups: [unauthenticatedGroup] }

/** Writes of the server itself: bootstrap objects and built-in controllers. */
export const systemUser: UserInfo = { name: 'system:apiserver', groups: [mastersGroup, authenticatedGroup] }

/** `user` with the group every authenticated user is in. */
export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes(authenticatedGroup) ? user : { ...user, groups: [...user.groups, authenticatedGroup] }
}

const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:'

/** Name of the user that a service account is. */
export function serviceAccountName(namespace: string, name: string): string {
  return `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`
}

/** Groups every service account of a namespace is in. */
export function serviceAccountGroups(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
}

/** The service account that a user name stands for; undefined for all other users. */
export function parseServiceAccount(user: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined
  const [namespace = '', name = '', ...rest] = user.slice(SERVICE_ACCOUNT_PREFIX.length).split(':')
  return namespace === '' || name === '' || rest.length > 0 ? undefined : { namespace, name }
}
