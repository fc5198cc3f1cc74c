const NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const NAME_PATTERN = new RegExp(`^${NAME}$`)
const VALUE_PATTERN = new RegExp(`^(${NAME})?$`)
const MAX_BYTES = 63

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const SUBDOMAIN_PATTERN = new RegExp(`^${SUBDOMAIN}$`)
const MAX_SUBDOMAIN_BYTES = 253

/** Kubernetes' words for a name that is no DNS subdomain. */
export const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
  `with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`

const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  `(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${NAME}')`
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
  `with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${NAME})?')`

/** What is wrong with the key of a label, in Kubernetes' words; nothing for a valid one. */
export function labelKeyProblems(key: string): string[] {
  const [first = '', second, ...more] = key.split('/')
  if (more.length > 0) {
    return [`a valid label key ${NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const problems: string[] = []
  if (second !== undefined) problems.push(...prefixProblems(first).map((problem) => `prefix part ${problem}`))
  const name = second ?? first
  if (name === '') problems.push('name part must be non-empty')
  else if (Buffer.byteLength(name) > MAX_BYTES) problems.push(`name part ${tooLong(MAX_BYTES)}`)
  if (!NAME_PATTERN.test(name)) problems.push(`name part ${NAME_RULE}`)
  return problems
}

/** What is wrong with the value of a label, in Kubernetes' words; nothing for a valid one. */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = []
  if (Buffer.byteLength(value) > MAX_BYTES) problems.push(tooLong(MAX_BYTES))
  if (!VALUE_PATTERN.test(value)) problems.push(VALUE_RULE)
  return problems
}

function prefixProblems(prefix: string): string[] {
  if (prefix === '') return ['must be non-empty']
  const problems: string[] = []
  if (Buffer.byteLength(prefix) > MAX_SUBDOMAIN_BYTES) problems.push(tooLong(MAX_SUBDOMAIN_BYTES))
  if (!SUBDOMAIN_PATTERN.test(prefix)) problems.push(subdomainRule)
  return problems
}

function tooLong(bytes: number): string {
  return `must be no more than ${bytes} bytes`
}
