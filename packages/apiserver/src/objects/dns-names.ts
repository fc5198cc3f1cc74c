const LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** Why `text` is no DNS-1035 label, in the words of an API server; undefined when it is one. */
export function dnsLabelError(text: string): string | undefined {
  const errors: string[] = []
  if (text.length > 63) errors.push('must be no more than 63 characters')
  if (!LABEL.test(text)) {
    errors.push(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " +
        "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is " +
        "'[a-z]([-a-z0-9]*[a-z0-9])?')",
    )
  }
  return errors.length === 0 ? undefined : errors.join(',')
}

/** Why `text` is no DNS-1123 subdomain, in the words of an API server; undefined when it is one. */
export function dnsSubdomainError(text: string): string | undefined {
  const errors: string[] = []
  if (text.length > 253) errors.push('must be no more than 253 characters')
  if (!SUBDOMAIN.test(text)) {
    errors.push(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
        "end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    )
  }
  return errors.length === 0 ? undefined : errors.join(',')
}
