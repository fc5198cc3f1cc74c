import { CelOpaque } from './values.ts'
import { opaqueType } from './types.ts'

export const authorizerType = opaqueType('kubernetes.authorization.Authorizer')
export const pathCheckType = opaqueType('kubernetes.authorization.PathCheck')
export const groupCheckType = opaqueType('kubernetes.authorization.GroupCheck')
export const resourceCheckType = opaqueType('kubernetes.authorization.ResourceCheck')
export const decisionType = opaqueType('kubernetes.authorization.Decision')

/** What an expression asks with `authorizer…check('verb')`. */
export interface AuthorizationQuestion {
  readonly verb: string
  /** Set when the expression chose another identity than that of the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string }
  /** A request for something else than a resource; the other fields are absent then. */
  readonly path?: string
  readonly resource?: ResourceAttributes
}

/** The empty string means not given. */
export interface ResourceAttributes {
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** As written; one that does not parse is for the callback to ignore. */
  readonly fieldSelector: string
  readonly labelSelector: string
}

export interface AuthorizationAnswer {
  readonly allowed: boolean
  readonly reason?: string
  /** Why no decision could be made. */
  readonly error?: string
}

/** Answers a question about the rights of the request's user or of a service account. */
export type Authorize = (question: AuthorizationQuestion) => AuthorizationAnswer

type ServiceAccount = NonNullable<AuthorizationQuestion['serviceAccount']>

abstract class AuthorizerValue extends CelOpaque {
  /** Only itself: what two questions have in common is of no use to a rule. */
  equals(other: CelOpaque): boolean {
    return this === other
  }
}

/** The value of the variable `authorizer`. */
export class Authorizer extends AuthorizerValue {
  readonly type = authorizerType
  readonly authorize: Authorize
  readonly serviceAccount: ServiceAccount | undefined

  constructor(authorize: Authorize, serviceAccount?: ServiceAccount) {
    super()
    this.authorize = authorize
    this.serviceAccount = serviceAccount
  }

  ask(question: AuthorizationQuestion): Decision {
    return new Decision(
      this.authorize(
        this.serviceAccount === undefined ? question : { ...question, serviceAccount: this.serviceAccount },
      ),
    )
  }
}

export class PathCheck extends AuthorizerValue {
  readonly type = pathCheckType
  readonly authorizer: Authorizer
  readonly path: string

  constructor(authorizer: Authorizer, path: string) {
    super()
    this.authorizer = authorizer
    this.path = path
  }
}

export class GroupCheck extends AuthorizerValue {
  readonly type = groupCheckType
  readonly authorizer: Authorizer
  readonly group: string

  constructor(authorizer: Authorizer, group: string) {
    super()
    this.authorizer = authorizer
    this.group = group
  }
}

/** A question about a resource under construction; also the value of the variable `authorizer.requestResource`. */
export class ResourceCheck extends AuthorizerValue {
  readonly type = resourceCheckType
  readonly authorizer: Authorizer
  readonly resource: ResourceAttributes

  constructor(authorizer: Authorizer, resource: ResourceAttributes) {
    super()
    this.authorizer = authorizer
    this.resource = resource
  }

  with(changes: Partial<ResourceAttributes>): ResourceCheck {
    return new ResourceCheck(this.authorizer, { ...this.resource, ...changes })
  }
}

export class Decision extends AuthorizerValue {
  readonly type = decisionType
  readonly answer: AuthorizationAnswer

  constructor(answer: AuthorizationAnswer) {
    super()
    this.answer = answer
  }
}
