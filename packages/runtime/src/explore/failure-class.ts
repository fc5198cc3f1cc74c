import type { Finding } from './run-types.ts'

/**
 * Whether two findings are the same failure: the same oracle, about the same thing. Which generated name, how many
 * times, and what else differs at the end do not count.
 */
export function isSameFailure(left: Finding, right: Finding): boolean {
  if (left.oracle !== right.oracle) return false
  const parts = classesOf(left)
  return classesOf(right).some((part) => parts.includes(part))
}

function classesOf({ oracle, message }: Finding): string[] {
  switch (oracle) {
    case 'confluence':
      return message.split('; ').map((line) => {
        const [, resource, how] = /^(\S+) \S+ (is missing|differs|should not be there)/.exec(line) ?? []
        return resource === undefined ? line : `${resource} ${how}`
      })
    // Without what else was expected, it is another failure.
    case 'expectation':
      return [message]
    case 'invariant':
    case 'one writer':
      return [message.split(': ', 1)[0]!]
    // What was written last when nothing came to an end is chance.
    case 'convergence':
      return ['']
    default:
      return [message.replaceAll(/\d+/g, 'N')]
  }
}
