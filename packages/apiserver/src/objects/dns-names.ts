import { subdomainRule } from '@locktender/kube'

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const LABEL_PATTERN = new RegExp(`^${LABEL}$`)
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  `alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`
const OLD_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?'
const OLD_LABEL_PATTERN = new RegExp(`^${OLD_LABEL}$`)
const OLD_LABEL_RULE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end " +
  `with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${OLD_LABEL}')`
const SUBDOMAIN_PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const WILDCARD = '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const WILDCARD_PATTERN = new RegExp(`^${WILDCARD}$`)
const WILDCARD_RULE =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case " +
  "alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for " +
  `validation is '${WILDCARD}')`

function named(value: string, most: number, pattern: RegExp, rule: string): string[] {
  return [
    ...(value.length > most ? [`must be no more than ${most} characters`] : []),
    ...(pattern.test(value) ? [] : [rule]),
  ]
}

/** What is wrong with a name of one part, fit for DNS; nothing for a valid one. So do the others. */
export const labelProblems = (value: string): string[] =>
  named(value, 63, LABEL_PATTERN, SUBDOMAIN_PATTERN.test(value) ? 'must not contain dots' : LABEL_RULE)

/** A name of one part that starts with a letter. */
export const oldLabelProblems = (value: string): string[] => named(value, 63, OLD_LABEL_PATTERN, OLD_LABEL_RULE)

/** A name of several parts with dots between them. */
export const subdomainProblems = (value: string): string[] => named(value, 253, SUBDOMAIN_PATTERN, subdomainRule)

/** `*.` and a name of several parts. */
export const wildcardProblems = (value: string): string[] => named(value, 253, WILDCARD_PATTERN, WILDCARD_RULE)

/** A name that stands in a path of URLs. */
export function segmentProblems(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return ['/', '%'].filter((sign) => value.includes(sign)).map((sign) => `may not contain '${sign}'`)
}

/** Why `text` is no DNS-1035 label, in one text; undefined when it is one. */
export function dnsLabelError(text: string): string | undefined {
  const problems = oldLabelProblems(text)
  return problems.length === 0 ? undefined : problems.join(',')
}

/** Why `text` is no DNS-1123 subdomain, in one text; undefined when it is one. */
export function dnsSubdomainError(text: string): string | undefined {
  const problems = subdomainProblems(text)
  return problems.length === 0 ? undefined : problems.join(',')
}
